import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("A single sweep", .timeLimit(.minutes(10)))
struct SingleSweepTests {
    private let run = ControlHarness.run

    private func started() async throws -> (ControlHarness, PreviewToken, PodIdentity) {
        let harness = try await ControlHarness()
        let (token, pod) = try await harness.startPreview()
        return (harness, token, pod)
    }

    private func sweep(_ harness: ControlHarness, _ policy: PreviewPolicy = .testing()) -> SingleSweep {
        SingleSweep(policy: policy, objects: harness.cluster, clusterTime: harness.cluster)
    }

    @Test func aReportDeletesNothing() async throws {
        let (harness, token, pod) = try await started()
        harness.cluster.endPod(pod)
        let report = try await sweep(harness).inspect()
        #expect(report.entries.map(\.decision) == [.reap(.podGone, dueSince: nil)])
        #expect(harness.cluster.log == [.livePods, .backends, .routes])
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test func aDuePreviewIsDeletedAndReported() async throws {
        let (harness, token, _) = try await started()
        harness.cluster.advance(by: .seconds(1800))
        let sweep = sweep(harness)
        #expect(await sweep.carryOut(try sweep.inspect()) == [token: .reaped(.idle)])
        #expect(harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty)
    }

    @Test func aKeepaliveAfterTheReportSavesThePreview() async throws {
        let (harness, token, _) = try await started()
        harness.cluster.advance(by: .seconds(1800))
        let sweep = sweep(harness)
        let report = try await sweep.inspect()
        _ = try await harness.cluster.extend(token, of: run.label, to: harness.cluster.now + .seconds(1800))
        #expect(await sweep.carryOut(report) == [token: .averted(.conflict)])
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test func aPreviewThatAnotherReplicaDeletedIsNoError() async throws {
        let (harness, token, _) = try await started()
        harness.cluster.advance(by: .seconds(1800))
        let sweep = sweep(harness)
        let report = try await sweep.inspect()
        try await harness.reaper.sweep()
        #expect(await sweep.carryOut(report) == [token: .alreadyGone])
    }

    @Test func aRefusedDeletionIsReported() async throws {
        let (harness, token, _) = try await started()
        harness.cluster.advance(by: .seconds(1800))
        let error = ClusterError(.refused, "the API server answered 403")
        harness.cluster.failAlways(.deleteRoute, error)
        let sweep = sweep(harness)
        #expect(await sweep.carryOut(try sweep.inspect()) == [token: .failed(error)])
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test func aDisabledSweepReportsWhatIsDueAndDeletesNothing() async throws {
        let (harness, token, _) = try await started()
        harness.cluster.advance(by: .seconds(1800))
        var policy = PreviewPolicy.testing()
        policy.isEnabled = false
        let sweep = sweep(harness, policy)
        let report = try await sweep.inspect()
        #expect(report.entries.count { $0.deletion != nil } == 1)
        #expect(await sweep.carryOut(report).isEmpty)
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test(
        "What cannot be read is an error",
        arguments: [SimulatedCluster.Operation.livePods, .backends, .routes, .claims]
    )
    func whatCannotBeReadIsAnError(operation: SimulatedCluster.Operation) async throws {
        let (harness, _, _) = try await started()
        harness.cluster.failAlways(operation, ClusterError(.unavailable, "the API server answered 500"))
        await #expect(throws: ClusterError.self) {
            _ = try await sweep(harness, .testing(lifetime: LifetimePolicy(keepsAfterRun: false))).inspect()
        }
    }

    @Test func irrelevantClaimsAreListedOnRequestAndMayBeUnreadable() async throws {
        let (harness, _, _) = try await started()
        let sweep = sweep(harness)
        #expect(try await sweep.inspect().entries.map(\.claim) == [.unknown])
        #expect(try await sweep.inspect(withClaims: true).entries.map(\.claim) == [.present])
        harness.cluster.removeClaim(of: run)
        #expect(try await sweep.inspect(withClaims: true).entries.map(\.claim) == [.gone])
        harness.cluster.failAlways(.claims, ClusterError(.refused, "the API server answered 403"))
        #expect(try await sweep.inspect(withClaims: true).entries.map(\.claim) == [.unknown])
    }

    @Test func theReportPredictsTheResultOfAKeepalive() async throws {
        let (harness, token, _) = try await started()
        let sweep = sweep(harness)
        harness.cluster.advance(by: .seconds(600))
        guard case .extend(let expiry)? = try await sweep.inspect().entries.first?.keepalive else {
            Issue.record("a keepalive would not extend it")
            return
        }
        let kept = try await harness.previews.keepAlive(run: run, token: token)
        #expect(kept.expiresAt == expiry)
        #expect(try await sweep.inspect().entries.map(\.keepalive) == [.alreadyAlive(expiresAt: expiry)])
        harness.cluster.advance(by: .seconds(100_000))
        #expect(try await sweep.inspect().entries.map(\.keepalive) == [.expired])
        harness.cluster.makeTimeUnknown()
        #expect(try await sweep.inspect().entries.map(\.keepalive) == [nil])
    }
}
