public import FoundationEssentials
public import Logging
public import Metrics
public import ServiceLifecycle
internal import Synchronization

/// Accepts events without waiting, and writes them to a ``TimelineSink`` one after the other.
///
/// ``TimelineBacklog`` decides the order, the pauses and the limits. If a sink cannot be reached, writes are retried at
/// growing intervals while the backlog fills. A full backlog drops its oldest entry, because users can still act on the
/// newest. When the service shuts down, waiting entries are written for a few more seconds.
public final class TimelineQueue: Timeline, Service {
    /// How long an entry waits because of temporary failures; after the next one it is dropped.
    public static let maxAge = Duration.seconds(900)
    /// How long a service that shuts down continues to write.
    static let drainTimeout = Duration.seconds(5)

    private typealias Waiting = TimelineBacklog.Waiting

    private struct State {
        var backlog = TimelineBacklog()
        var dropped = 0
    }

    private let state = Mutex(State())
    private let changed = ChangeSignal()
    private let name: String
    private let sink: any TimelineSink
    private let next: TimelineQueue?
    private let clusterTime: any ClusterTime
    private let wallClock: @Sendable () -> Date
    private let time: MonotonicTime
    private let jitter: @Sendable () -> Double
    private let dropCounter: Counter
    private let logger: Logger

    /// - Parameters:
    ///   - name: The sink's name in logs and metrics.
    ///   - next: Gets every entry that this replica was the first to write, and every entry that could not be written.
    /// Thus a copy is made once, however many replicas report the same, and also while the sink fails.
    ///   - clusterTime: The time of events.
    ///   - wallClock: This replica's own clock, used while the cluster's time is not known.
    ///   - jitter: Returns a number in 0..<1, by which replicas spread their retries.
    ///   - metrics: The destination of ``PreviewMetric/timelineDropped``.
    public init(
        name: String,
        sink: any TimelineSink,
        next: TimelineQueue? = nil,
        clusterTime: any ClusterTime,
        wallClock: @escaping @Sendable () -> Date = { Date() },
        time: MonotonicTime,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        metrics: any MetricsFactory = MetricsSystem.factory,
        logger: Logger
    ) {
        self.name = name
        self.sink = sink
        self.next = next
        self.clusterTime = clusterTime
        self.wallClock = wallClock
        self.time = time
        self.jitter = jitter
        dropCounter = Counter(
            label: PreviewMetric.timelineDropped.rawValue,
            dimensions: [("sink", name)],
            factory: metrics
        )
        self.logger = logger
    }

    /// The number of dropped entries so far.
    public var droppedCount: Int { state.withLock { $0.dropped } }

    public func record(_ event: TimelineEvent) {
        enqueue(TimelineEntry(event, at: clusterTime.reading()?.latest ?? wallClock()))
    }

    private func enqueue(_ entry: TimelineEntry) {
        let now = time.uptime()
        switch state.withLock({ $0.backlog.add(entry, at: now) }) {
        case .waits(let mayBeNext): if mayBeNext { changed.raise() }
        case .displaced(let oldest):
            drop(oldest, "too many wait")
            changed.raise()
        case .duplicate: break
        }
    }

    /// Writes until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.writeAll() }
        await drain()
    }

    private func writeAll() async {
        while !Task.isCancelled {
            let now = time.uptime()
            switch state.withLock({ $0.backlog.next(at: now) }) {
            case .write(let waiting): await write(waiting)
            case .pause(let pause): await changed.wait(atMost: pause, time)
            case .nothing: await changed.wait()
            }
        }
    }

    /// Makes one more attempt for each waiting entry, until the first failure.
    private func drain() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled, let waiting = self.takeFirst(), await self.write(waiting) {}
            }
            group.addTask { try? await self.time.sleep(Self.drainTimeout) }
            await group.next()
            group.cancelAll()
        }
        while let left = takeFirst() { drop(left, "this replica stops") }
    }

    private func takeFirst() -> Waiting? {
        state.withLock { $0.backlog.takeFirst() }
    }

    /// - Returns: False if the sink failed, unless it refused the entry permanently.
    @discardableResult
    private func write(_ waiting: Waiting) async -> Bool {
        do throws(TimelineFailure) {
            let isNew = try await sink.write(waiting.entry)
            state.withLock { $0.backlog.recordSuccess(of: waiting) }
            // If an earlier attempt of this replica failed, the entry that it finds now may be its own.
            if isNew || waiting.wasTried { next?.enqueue(waiting.entry) }
            return true
        } catch {
            guard error.isTemporary || Task.isCancelled else {
                drop(waiting, error.detail)
                return true
            }
            let now = time.uptime()
            let (waits, expired) = state.withLock { state in
                let waits = state.backlog.requeue(waiting, at: now, retryAfter: error.retryAfter, jitter: jitter())
                return (waits, Task.isCancelled ? [] : state.backlog.takeExpired(since: now - Self.maxAge))
            }
            if !waits { drop(waiting, "too many wait") }
            for entry in expired { drop(entry, error.detail) }
            return false
        }
    }

    private func drop(_ waiting: Waiting, _ why: String) {
        let dropped = state.withLock { state in
            state.dropped += 1
            state.backlog.remove(waiting)
            return state.dropped
        }
        dropCounter.increment()
        // A message for each would fill the log when thousands of previews end at once: one is logged whenever the
        // number has doubled.
        if dropped.nonzeroBitCount == 1 {
            logger.error(
                "events of a timeline are dropped",
                metadata: [
                    "sink": "\(name)", "kind": "\(waiting.entry.event.kind.rawValue)", "why": "\(why)",
                    "dropped": "\(dropped)",
                ]
            )
        }
        next?.enqueue(waiting.entry)
    }
}

extension TimelineQueue: CustomStringConvertible {
    /// Only its name: ServiceLifecycle logs services by their description.
    public var description: String { "TimelineQueue(\(name))" }
}
