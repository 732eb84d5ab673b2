import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The runner of the cluster's copy", .timeLimit(.minutes(2)))
struct MirrorRunnerTests {
    private let cluster = SimulatedCluster()
    private let clock = ManualClock()
    private let mirror = ClusterMirror(policy: .testing())
    private let outage: OutageGuard

    init() {
        outage = OutageGuard(
            policy: .testing(),
            clusterTime: cluster,
            time: MonotonicTime(clock),
            logger: .silent
        )
    }

    /// Runs the runner while `work` runs, which begins once the copy is complete.
    private func following(
        _ feed: any ClusterFeed,
        _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        let runner = MirrorRunner(
            mirror: mirror,
            feed: feed,
            clusterTime: cluster,
            outage: outage,
            time: MonotonicTime(clock),
            logger: .silent
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            await waitWhile { !mirror.isFresh }
            try await work()
            group.cancelAll()
        }
    }

    @Test func aFeedThatFailsLeavesACopyThatAnswersNothingAndIsStartedAgain() async throws {
        let feed = FailingFeed(cluster)
        try await following(feed) { [clock, mirror] in
            feed.failure.raise()
            await clock.waitForSleepers(1)
            #expect(mirror.routes() == nil)
            #expect(mirror.commonGrants() == nil)
            #expect(!mirror.isComplete)
            clock.advance(by: .seconds(5))
            await waitWhile { !mirror.isFresh }
        }
        // A copy that no runner updates does not answer either.
        #expect(mirror.routes() == nil)
    }

    @Test(arguments: ClusterCollection.allCases)
    func aBrokenWatchThatDecisionsDependOnIsReported(collection: ClusterCollection) async throws {
        try await following(cluster) { [cluster, mirror, outage] in
            cluster.breakWatch(of: collection)
            await waitWhile { mirror.isFresh }
            #expect(outage.hasUnresolvedFailure == ![.sandboxes, .gateways].contains(collection))
        }
    }
}

/// A feed that ends with an error each time the test requests it.
private struct FailingFeed: ClusterFeed {
    let failure = ChangeSignal()
    private let cluster: SimulatedCluster

    init(_ cluster: SimulatedCluster) {
        self.cluster = cluster
    }

    func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cluster.run(handle) }
            group.addTask {
                await failure.wait()
                throw ClusterError(.unavailable, "the feed failed")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    func isAlive() async -> Bool { await cluster.isAlive() }
}
