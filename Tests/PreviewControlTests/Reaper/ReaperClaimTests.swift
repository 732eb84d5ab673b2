import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The reaper, where previews end with their run", .timeLimit(.minutes(10)))
struct ReaperClaimTests {
    private let run = ControlHarness.run

    private func started(keepsAfterRun: Bool = false) async throws -> (ControlHarness, PreviewToken) {
        let harness = try await ControlHarness(policy: .testing(lifetime: LifetimePolicy(keepsAfterRun: keepsAfterRun)))
        return (harness, try await harness.startPreview().token)
    }

    @Test func aPreviewWhoseClaimIsGoneIsReapedAfterALiveRead() async throws {
        let (harness, _) = try await started()
        harness.cluster.removeClaim(of: run)
        try await harness.reaper.sweep()
        #expect(harness.cluster.log.contains(.claimExists))
        #expect(harness.cluster.liveRoutes.isEmpty)
        #expect(harness.cluster.liveBackends.isEmpty)
    }

    @Test func aPreviewKeptAfterItsRunStaysWithoutAReadOfTheClaim() async throws {
        let (harness, token) = try await started(keepsAfterRun: true)
        harness.cluster.removeClaim(of: run)
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        #expect(harness.cluster.log == [.livePods, .backends, .routes])
    }

    @Test func aSweepIsThreeRequestsWithTheWatchToo() async throws {
        let (harness, token) = try await started()
        let claim = try #require(try await harness.cluster.claim(of: run))
        harness.mirror.apply(.claims(.replaced([RunClaim(claim)])))
        harness.cluster.clearLog()
        try await harness.reaper.sweep()
        #expect(harness.cluster.log == [.livePods, .backends, .routes])
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test func aCopyThatHasLostTheClaimIsCorrectedByTheCluster() async throws {
        let (harness, token) = try await started()
        harness.mirror.apply(.claims(.replaced([])))
        try await harness.reaper.sweep()
        #expect(harness.cluster.log.contains(.claimExists))
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test(arguments: [SimulatedCluster.Operation.claims, .claimExists])
    func aClaimThatCannotBeReadIsNotGone(operation: SimulatedCluster.Operation) async throws {
        let (harness, token) = try await started()
        harness.cluster.removeClaim(of: run)
        harness.cluster.failAlways(operation, ClusterError(.unavailable, "the API server answered 500"))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        // What does not depend on claims is still reaped.
        harness.cluster.advance(by: .seconds(1800))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func aClaimOfTheSameNameMadeLaterIsAnotherOne() async throws {
        let (harness, _) = try await started()
        harness.cluster.removeClaim(of: run)
        harness.cluster.addSandbox(for: run, pod: "pod-2")
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func aPreviewThatNamesNoClaimIsNeverReapedForOne() async throws {
        let (harness, token) = try await started()
        harness.cluster.annotate(token, [PreviewAnnotations.Key.claimUID: nil])
        harness.cluster.removeClaim(of: run)
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        #expect(!harness.cluster.log.contains(.claimExists))
    }

    @Test func aWriteBetweenReadAndDeleteIsCheckedAgainstTheClaimAgain() async throws {
        let (harness, token) = try await started()
        harness.cluster.removeClaim(of: run)
        harness.cluster.interrupt(.deleteRoute) { harness.cluster.touchRoute(token) }
        try await harness.reaper.sweep()
        #expect(harness.cluster.log.count { $0 == .claimExists } == 2)
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func aDeletedClaimEndsItsPreviewsAtOnce() async throws {
        let (harness, _) = try await started()
        try await harness.withSleepingReaper {
            harness.cluster.removeClaim(of: run)
            await waitUntil { harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty }
        }
    }
}
