import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Limits", .timeLimit(.minutes(10)))
struct LimitTests {
    private let run = ControlHarness.run

    @Test func theFourthPreviewOfARunIsRefusedWithATimeToTryAgain() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        for port in 3000..<3003 {
            _ = try await harness.previews.start(run: run, port: port, requester: "ada")
        }
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.start(run: run, port: 3003, requester: "ada")
        }
        #expect(error?.kind == .limitReached)
        #expect(error?.retryAfter == .seconds(60))
        #expect(harness.cluster.liveRoutes.count == 3)
    }

    @Test func theGlobalLimitCountsAllRuns() async throws {
        let harness = try await ControlHarness()
        let other = ControlHarness.otherRun
        harness.cluster.addSandbox(for: run, pod: "pod-1")
        harness.cluster.addSandbox(for: other, pod: "pod-2")
        for port in 3000..<3003 { _ = try await harness.previews.start(run: run, port: port, requester: "ada") }
        for port in 3000..<3002 { _ = try await harness.previews.start(run: other, port: port, requester: "ada") }
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.start(run: other, port: 3002, requester: "ada")
        }
        #expect(error?.kind == .limitReached)
        #expect(harness.cluster.liveRoutes.count == 5)
    }

    @Test func aPreviewThatIsBeingDeletedMakesRoom() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        let tokens = try await startThree(harness)
        harness.cluster.markRouteAsBeingDeleted(tokens[1])
        _ = try await harness.previews.start(run: run, port: 3003, requester: "ada")
        #expect(harness.cluster.liveRoutes.count == 4)
    }

    // MARK: A copy that is behind

    private func startThree(_ harness: ControlHarness) async throws -> [PreviewToken] {
        var tokens: [PreviewToken] = []
        for port in 3000..<3003 {
            tokens.append(try await harness.previews.start(run: run, port: port, requester: "ada").session.token)
        }
        return tokens
    }

    @Test func previewsThatOnlyTheCopyStillHasDoNotCount() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        let tokens = try await startThree(harness)
        let other = try await ControlHarness(cluster: harness.cluster)
        try await harness.withReaper {
            await waitUntil { harness.mirror.isFresh }
            harness.cluster.silenceWatch()
            for token in tokens { try await other.previews.stop(run: run, token: token) }
            #expect(harness.mirror.previewCount == 3)
            harness.cluster.clearLog()
            let started = try await harness.previews.start(run: run, port: 3003, requester: "ada")
            #expect(harness.cluster.liveRoutes == [started.session.token])
            #expect(
                harness.cluster.log == [.resolveSandbox, .routes, .createService, .createRoute, .routes, .probe]
            )
        }
    }

    @Test func previewsThatOnlyTheCopyStillHasDoNotCountForAgentsEither() async throws {
        let harness = try await ControlHarness(approvalPolicy: ApprovalPolicy(approvesAutomatically: true))
        harness.cluster.addSandbox(for: run)
        for port in 3000..<3003 { _ = try await harness.previews.start(run: run, port: port, requester: "ada") }
        harness.mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
        for token in harness.cluster.liveRoutes {
            _ = try await harness.cluster.deleteRoute(token, .uid(harness.mirror.lastSeenRoute(token)?.uid ?? ""))
        }
        let started = try await harness.core.gate.start(run: run, port: 3003, requester: "agent")
        #expect(harness.cluster.liveRoutes == [started.session.token])
    }

    @Test func aLimitThatCannotBeConfirmedIsAnUnreachableCluster() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        for port in 3000..<3003 { _ = try await harness.previews.start(run: run, port: port, requester: "ada") }
        harness.mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
        harness.cluster.fail(.routes, .before(ClusterError(.unavailable, "the API server answered 500")))
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.start(run: run, port: 3003, requester: "ada")
        }
        #expect(error?.kind == .clusterUnavailable)
    }

    @Test func aRouteThatCeasedToBeOursTakesNoPlace() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        let tokens = try await startThree(harness)
        try await harness.withReaper {
            await waitUntil { harness.mirror.isFresh }
            harness.cluster.relabel(tokens[0], [PreviewLabel.token: "another-token"])
            await waitUntil { harness.mirror.previewCount == 2 }
            _ = try await harness.previews.start(run: run, port: 3003, requester: "ada")
        }
    }

    @Test("Concurrent starts on three replicas never overshoot", arguments: UInt64(1)...20)
    func concurrentStartsNeverOvershoot(seed: UInt64) async throws {
        let cluster = SimulatedCluster()
        cluster.addSandbox(for: run)
        let replicas = [
            try await ControlHarness(cluster: cluster, seed: seed * 3),
            try await ControlHarness(cluster: cluster, seed: seed * 3 + 1),
            try await ControlHarness(cluster: cluster, seed: seed * 3 + 2),
        ]
        let succeeded = await withTaskGroup(of: Bool.self) { group in
            for (position, replica) in (replicas + replicas).enumerated() {
                group.addTask {
                    let started = try? await replica.previews.start(
                        run: ControlHarness.run,
                        port: 3000 + position,
                        requester: "ada"
                    )
                    return started != nil
                }
            }
            // Starts that check the limits again wait on their replica's clock.
            let ticking = Task {
                while !Task.isCancelled {
                    for replica in replicas { replica.clock.advance(by: .milliseconds(250)) }
                    await Task.yield()
                }
            }
            var count = 0
            for await wasStarted in group where wasStarted { count += 1 }
            ticking.cancel()
            return count
        }
        #expect(succeeded <= 3)
        #expect(cluster.liveRoutes.count == succeeded)
        #expect(cluster.liveBackends.count == succeeded)
    }

    @Test func aStartBehindAFinishedOneOfTheSameSecondWithdraws() async throws {
        // The other replica's preview sorts after this one, but was finished before this one began.
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        for port in 3000..<3002 { _ = try await harness.previews.start(run: run, port: port, requester: "ada") }
        let late = try #require(PreviewToken("zzz"))
        let label = run.label
        let cluster = harness.cluster
        cluster.interrupt(.createRoute) {
            cluster.addRoute(
                name: late.objectName,
                labels: PreviewLabel.labels(token: late, run: label),
                annotations: [PreviewAnnotations.Key.run: label.text]
            )
        }
        let start = Task { try await harness.previews.start(run: run, port: 3002, requester: "ada") }
        for _ in 0..<3 {
            await harness.clock.waitForSleepers(1)
            harness.clock.advance(by: .milliseconds(250))
        }
        await #expect(throws: PreviewError.self) { _ = try await start.value }
        #expect(cluster.liveRoutes.count == 3)
        #expect(cluster.liveRoutes.contains(late))
    }
}
