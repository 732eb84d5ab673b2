internal import Logging
internal import ServiceLifecycle

/// Keeps a replica's ``ClusterMirror`` up to date.
public struct MirrorRunner: NamedService {
    private let mirror: ClusterMirror
    private let feed: any ClusterFeed
    private let clusterTime: any ClusterTime
    private let outage: OutageGuard
    private let time: MonotonicTime
    private let logger: Logger

    /// How long to wait before the feed is started again after an error that its own retries do not cover.
    private static let restartDelay = Duration.seconds(5)

    /// - Parameter outage: Is notified whether the API server answers.
    init(
        mirror: ClusterMirror,
        feed: any ClusterFeed,
        clusterTime: any ClusterTime,
        outage: OutageGuard,
        time: MonotonicTime,
        logger: Logger
    ) {
        self.mirror = mirror
        self.feed = feed
        self.clusterTime = clusterTime
        self.outage = outage
        self.time = time
        self.logger = logger
    }

    /// Runs until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled { await follow() }
        }
    }

    private func follow() async {
        do {
            try await feed.run { change in
                recordEvidence(from: change)
                mirror.apply(change, at: clusterTime.reading())
            }
        } catch {
            if !Task.isCancelled { logger.error("the cluster feed failed", metadata: ["error": "\(error)"]) }
        }
        // The feed has ended, so nothing is known to be current.
        for collection in ClusterCollection.allCases { mirror.apply(.interrupted(collection)) }
        try? await time.sleep(Self.restartDelay)
    }

    /// Changes of previews are evidence that the API server can be reached. A Gateway or a Sandbox that may not be read
    /// is no evidence that it cannot.
    private func recordEvidence(from change: ClusterChange) {
        guard change.collection.concernsPreviews else { return }
        switch change {
        case .interrupted: outage.recordSuspectedFailure()
        case .resumed: outage.recordResumedWatch()
        default: outage.recordResponse()
        }
    }
}
