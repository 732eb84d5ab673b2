internal import FoundationEssentials
internal import PreviewDomain
internal import ServiceLifecycle

/// Records events that no caller causes and every replica observes: that a preview ends soon, and that one is gone.
///
/// It reads the ``ClusterMirror``, so it sends no request of its own. Each replica does this; the timeline keeps one
/// event of each (``TimelineEvent/occurrence``).
public struct PreviewEventRecorder: NamedService {
    private let mirror: ClusterMirror
    private let clusterTime: any ClusterTime
    private let timeline: any Timeline
    private let time: MonotonicTime
    /// The longest wait without reading the clock: the time since a deadline was set does not measure the server's
    /// time.
    private let longestWait: Duration

    /// How long it waits while the cluster's time is not known.
    private static let unknownTimeDelay = Duration.seconds(1)

    public init(
        policy: PreviewPolicy,
        mirror: ClusterMirror,
        clusterTime: any ClusterTime,
        timeline: any Timeline,
        time: MonotonicTime
    ) {
        mirror.attach(PreviewEventMachine(policy: policy))
        self.mirror = mirror
        self.clusterTime = clusterTime
        self.timeline = timeline
        self.time = time
        longestWait = policy.sweepInterval
    }

    /// Runs until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await recordEvents() }
    }

    private func recordEvents() async {
        while !Task.isCancelled {
            guard let now = clusterTime.reading()?.earliest else {
                await mirror.hasEarlierEvent.wait(atMost: Self.unknownTimeDelay, time)
                continue
            }
            let (events, next) = mirror.takeEvents(at: now)
            for event in events { timeline.record(event) }
            await mirror.hasEarlierEvent.wait(
                atMost: min(next?.duration(since: now) ?? longestWait, longestWait),
                time
            )
        }
    }
}
