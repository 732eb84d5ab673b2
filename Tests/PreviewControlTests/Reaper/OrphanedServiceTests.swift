import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// What is left of a preview that is known to have ended needs no grace: no start can be about to complete it.
@Suite("What is left of an ended preview", .timeLimit(.minutes(10)))
struct OrphanedServiceTests {
    private let run = ControlHarness.run
    private static let failing = ClusterError(.unavailable, "the API server answered 500")

    /// Runs the reaper, ends the preview, and lets the two seconds of a retry pass; the grace is two minutes.
    private func expectNothingLeft(
        _ harness: ControlHarness,
        after end: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await harness.withSleepingReaper {
            try await end()
            // The Service is gone, or is due again within the time of a retry.
            await waitUntil {
                let next = harness.mirror.nextDeadline ?? .distantFuture
                return harness.cluster.liveRoutes.isEmpty
                    && (harness.cluster.liveBackends.isEmpty || next <= harness.cluster.now + .seconds(2))
            }
            await harness.clock.waitForSleepers(2)
            harness.advance(by: .seconds(2))
            await waitUntil { harness.cluster.liveBackends.isEmpty }
        }
    }

    @Test func aServiceWhoseDeletionFailedOnceIsTriedAgainAfterTwoSeconds() async throws {
        let harness = try await ControlHarness()
        let pod = try await harness.startPreview().pod
        harness.cluster.fail(.deleteBackend, .before(Self.failing))
        try await expectNothingLeft(harness) { harness.cluster.endPod(pod) }
    }

    @Test func aServiceWhoseRouteWasDeletedWithoutAResponseIsDeletedAfterTwoSeconds() async throws {
        let harness = try await ControlHarness()
        let pod = try await harness.startPreview().pod
        harness.cluster.fail(.deleteRoute, .after(Self.failing))
        try await expectNothingLeft(harness) { harness.cluster.endPod(pod) }
    }

    @Test func aServiceThatAStopLeftBehindIsDeletedAfterTwoSeconds() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.fail(.deleteBackend, .before(Self.failing))
        try await expectNothingLeft(harness) {
            await #expect(throws: PreviewError.self) { try await harness.previews.stop(run: run, token: token) }
        }
    }

    @Test func aServiceThatAFailedStartLeftBehindIsDeletedAfterTwoSeconds() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.cluster.fail(.createRoute, .before(Self.failing))
        harness.cluster.fail(.deleteBackend, .before(Self.failing))
        try await expectNothingLeft(harness) {
            await #expect(throws: PreviewError.self) {
                _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
            }
        }
    }

    @Test func withoutWatchesTheNextSweepDeletesTheService() async throws {
        let harness = try await ControlHarness()
        let pod = try await harness.startPreview().pod
        harness.cluster.fail(.deleteBackend, .before(Self.failing))
        harness.cluster.endPod(pod)
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveBackends.count == 1)
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveBackends.isEmpty)
    }

    @Test func theServiceOfAStartThatIsUnderWayKeepsItsGrace() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.cluster.interrupt(.createRoute) {
            harness.advance(by: PreviewPolicy.longestProvisioning)
            try? await harness.reaper.sweep()
        }
        let started = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        #expect(harness.cluster.liveBackends == [started.session.token])
    }

    /// Its `creationTimestamp` is so old that its grace time is over at once.
    @Test func theServiceOfAStartIsKeptAlthoughTheClockThatCreatedItIsSlow() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.cluster.setCreationLag(.seconds(35 * 60))
        harness.cluster.interrupt(.createRoute) {
            // The reaper judges the Service.
            for _ in 0..<500 { await Task.yield() }
        }
        try await harness.withSleepingReaper {
            let started = try await harness.previews.start(run: run, port: 3000, requester: "ada")
            #expect(harness.cluster.liveBackends == [started.session.token])
            #expect(!harness.cluster.log.contains(.deleteBackend))
        }
    }

    @Test func aServiceThatNoStartCompletesEndsAlthoughTheClockThatCreatedItIsSlow() async throws {
        let harness = try await ControlHarness()
        try await harness.withSleepingReaper {
            let orphan = try #require(PreviewToken("lonely"))
            harness.cluster.addBackend(orphan, run: run.label, age: .seconds(35 * 60))
            await waitUntil { harness.mirror.lastSeenBackend(orphan) != nil }
            let end = harness.cluster.now + PreviewPolicy.longestProvisioning
            await waitUntil { harness.mirror.nextDeadline.map { $0 > harness.cluster.now && $0 <= end } ?? false }
            #expect(harness.cluster.liveBackends == [orphan])
            await harness.clock.waitForSleepers(2)
            harness.advance(by: PreviewPolicy.longestProvisioning)
            await waitUntil { harness.cluster.liveBackends.isEmpty }
        }
    }

    // MARK: An unknown time

    @Test func aDueServiceIsStillDueAfterTheTimeWasUnknown() async throws {
        var policy = PreviewPolicy.testing()
        policy.sweepInterval = .seconds(3600)
        let harness = try await ControlHarness(policy: policy)
        let token = try await harness.startPreview().token
        harness.mirror.apply(.pods(.replaced(try await harness.cluster.livePods().map { PodRecord(identity: $0) })))
        harness.mirror.apply(.backends(.replaced(try await harness.cluster.backends())))
        harness.mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
        harness.cluster.advance(by: .seconds(1800))
        #expect(harness.mirror.takeDue(now: harness.cluster.now) == [.route(token)])
        harness.cluster.makeTimeUnknown()
        await harness.reaper.reapIfDue(.route(token))
        harness.cluster.makeTimeKnown()
        #expect(harness.mirror.takeDue(now: harness.cluster.now) == [.route(token)])
    }

    @Test func aDeletionThatFailsWhileTheTimeIsUnknownIsTriedAgain() async throws {
        let harness = try await ControlHarness()
        let (token, pod) = try await harness.startPreview()
        harness.cluster.endPod(pod)
        harness.cluster.fail(.deleteRoute, .before(Self.failing))
        harness.cluster.interrupt(.deleteRoute) { harness.cluster.makeTimeUnknown() }
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        #expect(harness.mirror.takeDue(now: harness.cluster.now).contains(.route(token)))
    }
}
