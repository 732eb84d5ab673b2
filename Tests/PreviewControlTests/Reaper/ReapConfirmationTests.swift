import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The confirmation of due deletions", .timeLimit(.minutes(1)))
struct ReapConfirmationTests {
    private static let run = ControlHarness.run
    /// The idle time-out and the longest lifetime, each with the reason that applies after it.
    private static let ages: [(Duration, ReapReason)] = [(.seconds(1801), .idle), (.seconds(28_801), .hardCap)]

    private func execution(
        _ harness: ControlHarness,
        minExpiry: @escaping MinExpiry = { _, _ in .distantPast }
    ) -> ReapExecution {
        ReapExecution(
            objects: harness.cluster,
            mirror: harness.mirror,
            time: harness.cluster,
            evaluator: ReapEvaluator(policy: .testing()),
            minExpiry: minExpiry
        )
    }

    @Test(arguments: ReapConfirmationTests.ages)
    func aPreviewWithoutItsPodsNameIsListedAsDueForItsAge(age: Duration, reason: ReapReason) async throws {
        let harness = try await ControlHarness()
        let (token, pod) = try await harness.startPreview()
        harness.cluster.annotate(token, [PreviewAnnotations.Key.pod: nil])
        harness.cluster.endPod(pod)
        let sweep = SingleSweep(policy: .testing(), objects: harness.cluster, clusterTime: harness.cluster)
        let early = try await sweep.inspect()
        #expect(early.entries.map(\.pod) == [.unknown] && early.deletions.isEmpty)
        harness.cluster.advance(by: age)
        #expect(await sweep.carryOut(try sweep.inspect()) == [token: .reaped(reason)])
        #expect(harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty)
    }

    @Test func aPreviewWithoutItsPodsNameEndsAtItsDeadline() async throws {
        let harness = try await ControlHarness()
        let (token, pod) = try await harness.startPreview()
        try await harness.withReaper {
            harness.cluster.annotate(token, [PreviewAnnotations.Key.pod: nil])
            await waitUntil { harness.mirror.lastSeenRoute(token).map { $0.podName == nil } ?? false }
            harness.cluster.endPod(pod)
            await waitUntil { harness.mirror.isFresh }
            await harness.clock.waitForSleepers(2)
            harness.cluster.advance(by: .seconds(1800))
            harness.clock.advance(by: .seconds(60))
            await waitUntil { harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty }
        }
    }

    /// Like a preview whose pod is missing from a watch that is behind.
    @Test(arguments: ReapConfirmationTests.ages)
    func aPodThatExistsDoesNotProtectAPreviewThatIsDueForItsAge(age: Duration, reason: ReapReason) async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        let preview = try #require(try await harness.cluster.route(token))
        let deletion = try #require(DueDeletion(.route(preview), .reap(.podGone)))
        let early = await execution(harness).carryOut(deletion)
        #expect(early == .averted(.liveRead))
        harness.cluster.advance(by: age)
        let late = await execution(harness).carryOut(deletion)
        #expect(late == .reaped(reason))
    }

    @Test func idlenessThatNoLongerCountsPreventsADeletionWithoutARequest() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .seconds(1800))
        let preview = try #require(try await harness.cluster.route(token))
        let deletion = try #require(DueDeletion(.route(preview), .reap(.idle)))
        harness.cluster.clearLog()
        let outcome = await execution(harness) { _, _ in .distantFuture }.carryOut(deletion)
        #expect(outcome == .averted(.notDue))
        #expect(harness.cluster.log.isEmpty)
    }

    @Test func aDeletionThatWasNotSentIsNoResponse() async throws {
        var policy = PreviewPolicy.testing(outageGrace: .seconds(150))
        policy.limits = PreviewLimits(perRun: 100, global: 100)
        let harness = try await ControlHarness(policy: policy)
        harness.cluster.addSandbox(for: Self.run)
        // Not all are deleted at once, so the last ones are confirmed after the first were deleted.
        for port in 0...ReapExecution.maxConcurrentDeletions {
            _ = try await harness.previews.start(run: Self.run, port: 3000 + port, requester: "ada")
        }
        let tokens = harness.cluster.liveRoutes
        for token in tokens {
            harness.brake.deletionFailed(of: token, ClusterError(.refused, "the API server answered 403"))
            harness.cluster.interrupt(.deleteRoute) {
                for token in tokens { harness.outage.recordLostPing(of: token) }
            }
        }
        for _ in 0..<4 {
            harness.clock.advance(by: .seconds(60))
            harness.outage.recordResponse()
        }
        harness.cluster.advance(by: .seconds(1800))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.count < tokens.count && !harness.cluster.liveRoutes.isEmpty)
        #expect(harness.brake.reason?.contains("cannot be deleted: the API server answered 403") == true)
    }

    @Test func aPreviewThatChangesBeforeEachDeletionEngagesTheBrake() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .seconds(1801))
        for _ in 0..<4 {
            for _ in 0..<4 { harness.cluster.interrupt(.deleteRoute) { harness.cluster.touchRoute(token) } }
            try await harness.reaper.sweep()
            harness.clock.advance(by: .seconds(41))
        }
        #expect(harness.cluster.liveRoutes == [token])
        let reason = try #require(harness.brake.reason)
        #expect(reason == "1 preview is overdue and cannot be deleted: the preview is being changed all the time")
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.isEmpty && harness.brake.reason == nil)
    }
}
