internal import Basics
internal import HTTPTypes
internal import NIOCore
internal import PreviewControl
internal import PreviewDomain
internal import Router
internal import Synchronization

/// The core API's event stream of a run, with this service's events between the core API's own.
///
/// The core API's bytes are passed on as they arrive; an insertion waits until an event of the core API is complete. It is
/// confined to the event loop of its reader's connection, and has no task: 1,000 of them wait at once
/// (Docs/Decisions/0064).
final class MergedStream {
    private let run: RunID
    private let source: RunStreamSource
    /// The reader's bearer token, with which the core API is asked about child runs.
    private let bearer: Secret?
    /// Where the reader continues; `nil` if it reads from the beginning.
    private var resumed: ResumedStream?

    private let pending = PendingEvents()
    private var observations: [Observation] = []
    private var comments: RepeatedTask?
    private var children: ChildRequestFinder.Subscription?

    private var events = RunStreamEvents()
    private var boundary = EventBoundary()
    /// Events that wait for a position.
    private var waiting: [ByteBuffer] = []
    /// True if the reader got something since a comment was last due.
    private var isActive = false

    /// The largest number of events that wait for a position; older ones are dropped, since every event that still
    /// matters is sent again on the next connect.
    private static let maxWaiting = 256

    init(run: RunID, source: RunStreamSource, resumed: ResumedStream?, bearer: Secret?) {
        self.run = run
        self.source = source
        self.resumed = resumed
        self.bearer = bearer
    }

    /// Whether events can be inserted into this response, an event stream.
    static func isPossible(in head: HTTPResponse) -> Bool {
        let fields = head.headerFields
        return head.status == .ok && !fields.contains(.contentLength) && !fields.contains(.contentEncoding)
    }

    /// Begins to observe the run; ``stop()`` has to follow.
    ///
    /// - Parameter hasNews: Called on the event loop when ``takeNews()`` has something to do.
    func start(on eventLoop: any EventLoop, _ hasNews: @escaping @Sendable () -> Void) {
        let notify: @Sendable (Bool) -> Void = { isNeeded in
            if isNeeded { eventLoop.execute(hasNews) }
        }
        observations = [
            source.gate.observeApprovals(run: run) { [pending] in notify(pending.approvalsChanged()) },
            source.broadcast.observe(run) { [pending] event in notify(pending.add(event)) },
        ]
        if let bearer, let finder = source.children {
            children = finder.follow(run, as: bearer) { [pending] in notify(pending.childRequestsChanged()) }
        }
        let interval = TimeAmount(source.commentInterval)
        comments = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [pending] _ in
            pending.commentIsDue()
            hasNews()
        }
    }

    func stop() {
        for observation in observations { observation.cancel() }
        observations = []
        comments?.cancel()
        comments = nil
        children?.cancel()
        children = nil
    }

    /// - Parameter bytes: Bytes of the core API.
    /// - Returns: The bytes for the reader.
    func arrived(_ bytes: ByteBuffer) -> [ByteBuffer] {
        let bytes = withoutLastEvent(bytes)
        var result: [ByteBuffer] = []
        if let place = boundary.read(bytes.readableBytesView), !waiting.isEmpty {
            result.append(bytes.getSlice(at: bytes.readerIndex, length: place) ?? bytes)
            takeWaiting(into: &result)
            if place < bytes.readableBytes {
                result.append(
                    bytes.getSlice(at: bytes.readerIndex + place, length: bytes.readableBytes - place) ?? bytes
                )
            }
        } else if bytes.readableBytes > 0 {
            result.append(bytes)
        }
        if !result.isEmpty { isActive = true }
        return result
    }

    /// - Returns: The bytes for the reader that are this service's.
    func takeNews() -> [ByteBuffer] {
        let news = pending.take()
        if news.approvalsChanged { waiting += events.approvalsChanged(source.gate.cachedApprovals(run: run)) }
        if news.childRequestsChanged, let children { waiting += events.childRequestsChanged(children.requests) }
        waiting += news.events.compactMap { events.recorded($0) }
        waiting.removeFirst(max(0, waiting.count - Self.maxWaiting))
        var result: [ByteBuffer] = []
        if boundary.isBetweenEvents { takeWaiting(into: &result) }
        if news.commentIsDue {
            if result.isEmpty, !isActive, boundary.isBetweenEvents { result.append(EventStream.comment("waiting")) }
            isActive = false
        } else if !result.isEmpty {
            isActive = true
        }
        return result
    }

    private func withoutLastEvent(_ bytes: ByteBuffer) -> ByteBuffer {
        guard resumed != nil, let rest = resumed?.removeLastEvent(from: Array(bytes.readableBytesView)) else {
            return bytes
        }
        if resumed?.isOver == true { resumed = nil }
        return ByteBuffer(bytes: rest)
    }

    private func takeWaiting(into result: inout [ByteBuffer]) {
        result += waiting
        waiting.removeAll()
    }

    /// What the reader has not taken yet. A function that adds to it returns whether the reader has to be notified.
    private final class PendingEvents: Sendable {
        struct News {
            var approvalsChanged = false
            var childRequestsChanged = false
            var events: [TimelineEvent] = []
            var commentIsDue = false
        }

        private struct State {
            var news = News()
            /// Whether the reader was notified.
            var isNotified = false
        }

        /// The largest number of events that wait for the reader; older ones are dropped.
        private static let maxEvents = 32

        private let state = Mutex(State())

        func approvalsChanged() -> Bool { change { $0.approvalsChanged = true } }

        func childRequestsChanged() -> Bool { change { $0.childRequestsChanged = true } }

        func add(_ event: TimelineEvent) -> Bool {
            change { news in
                if news.events.count == Self.maxEvents { news.events.removeFirst() }
                news.events.append(event)
            }
        }

        func commentIsDue() { state.withLock { $0.news.commentIsDue = true } }

        func take() -> News {
            state.withLock { state in
                defer { state = State() }
                return state.news
            }
        }

        private func change(_ change: (inout News) -> Void) -> Bool {
            state.withLock { state in
                change(&state.news)
                defer { state.isNotified = true }
                return !state.isNotified
            }
        }
    }
}
