internal import FoundationEssentials
internal import PreviewDomain
public import ServiceLifecycle
internal import Synchronization

/// Records what nobody does but everybody can see: that a preview ends soon, and that one is gone.
///
/// It listens to the feed that keeps the index up to date, so it costs no request of its own. Each replica does this;
/// the timeline keeps one of them (``TimelineEvent/occurrence``).
public final class PreviewChronicle: Service {
    private let machine: Mutex<ChronicleMachine>
    /// Raised when there is something to tell earlier than was known.
    private let hasEarlierReport = ChangeSignal()
    private let clusterTime: any ClusterTime
    private let timeline: any Timeline
    private let time: MonotonicTime
    /// The longest wait without a look at the clock: the time since a deadline was set is no measure of the server's.
    private let longestWait: Duration

    /// How long it waits for the cluster's time to become known.
    private static let unknownTimeDelay = Duration.seconds(1)

    public init(
        policy: PreviewPolicy,
        clusterTime: any ClusterTime,
        timeline: any Timeline,
        time: MonotonicTime
    ) {
        machine = Mutex(ChronicleMachine(policy: policy))
        self.clusterTime = clusterTime
        self.timeline = timeline
        self.time = time
        longestWait = policy.sweepInterval
    }

    /// `feed` with this chronicle listening.
    public func listening(to feed: any ClusterFeed) -> any ClusterFeed {
        HeardFeed(feed: feed) { [self] change in
            let isEarlier = machine.withLock { machine in
                let before = machine.next
                machine.apply(change, now: clusterTime.reading()?.latest)
                return machine.next.isEarlier(than: before)
            }
            if isEarlier { hasEarlierReport.raise() }
        }
    }

    /// Runs until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.tell() }
    }

    private func tell() async {
        while !Task.isCancelled {
            guard let now = clusterTime.reading()?.earliest else {
                await hasEarlierReport.wait(atMost: Self.unknownTimeDelay, time)
                continue
            }
            let (events, next) = machine.withLock { ($0.takeDue(at: now), $0.next) }
            for event in events { timeline.record(event) }
            await hasEarlierReport.wait(atMost: min(next?.duration(since: now) ?? longestWait, longestWait), time)
        }
    }
}

extension PreviewChronicle: CustomStringConvertible {
    /// Its name alone: ServiceLifecycle logs services by their description.
    public var description: String { "PreviewChronicle" }
}

/// A feed that lets somebody listen.
private struct HeardFeed: ClusterFeed {
    let feed: any ClusterFeed
    let listen: @Sendable (ClusterChange) -> Void

    func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws {
        // Whatever ends the feed, from then on nothing is known for certain.
        defer { for collection in ClusterCollection.allCases { listen(.interrupted(collection)) } }
        try await feed.run { change in
            listen(change)
            await handle(change)
        }
    }

    func isAlive() async -> Bool { await feed.isAlive() }
}
