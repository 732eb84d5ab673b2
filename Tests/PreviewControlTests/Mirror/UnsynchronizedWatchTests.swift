import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// Each kind has its own watch, so one may be far behind another. An object that is absent from the copy may still
/// exist.
@Suite("Watches that are not in step", .timeLimit(.minutes(2)))
struct UnsynchronizedWatchTests {
    private let run = ControlHarness.run

    /// Starts a preview that one watch does not deliver.
    private func started(
        behind collection: ClusterCollection,
        _ work: @escaping @Sendable (ControlHarness, PreviewToken) async throws -> Void
    ) async throws {
        let harness = try await ControlHarness(
            // No sweep occurs during the test, because a sweep reopens the watches.
            policy: .testing(lifetime: LifetimePolicy(keepsAfterRun: false), sweepInterval: .seconds(3600))
        )
        try await harness.withReaper {
            await waitUntil { harness.mirror.isFresh }
            harness.cluster.silenceWatch(over: collection)
            harness.cluster.addSandbox(for: run)
            // The reaper may judge the preview as soon as the route exists.
            harness.cluster.clearLog()
            let token = try await harness.previews.start(run: run, port: 3000, requester: "ada").session.token
            try await work(harness, token)
            #expect(harness.cluster.liveRoutes == [token])
            #expect(harness.cluster.liveBackends == [token])
            harness.cluster.endSilence(over: collection)
            await waitUntil {
                harness.mirror.lastSeenRoute(token) != nil && harness.mirror.lastSeenBackend(token) != nil
                    && harness.mirror.allDue(now: harness.cluster.now, minExpiry: harness.outage.minExpiry) == []
            }
        }
    }

    @Test(arguments: [
        (ClusterCollection.pods, SimulatedCluster.Operation.isLive), (.claims, .claimExists),
    ])
    func aPreviewWhosePodOrClaimIsNotInTheCopyYetIsKeptAfterALiveRead(
        collection: ClusterCollection,
        operation: SimulatedCluster.Operation
    ) async throws {
        try await started(behind: collection) { harness, _ in
            await waitUntil { harness.cluster.log.contains(operation) }
        }
    }

    @Test(arguments: [
        (ClusterCollection.routes, SimulatedCluster.Operation.route), (.backends, .backend),
    ])
    func halfAPairWhoseOtherHalfIsNotInTheCopyYetIsKeptAfterALiveRead(
        collection: ClusterCollection,
        operation: SimulatedCluster.Operation
    ) async throws {
        try await started(behind: collection) { harness, token in
            await waitUntil {
                collection == .routes
                    ? harness.mirror.lastSeenBackend(token) != nil : harness.mirror.lastSeenRoute(token) != nil
            }
            harness.cluster.clearLog()
            // Longer than the grace for half of a pair.
            harness.cluster.advance(by: .seconds(121))
            await waitUntil {
                harness.clock.advance(by: .seconds(1))
                return harness.cluster.log.contains(operation)
            }
        }
    }
}
