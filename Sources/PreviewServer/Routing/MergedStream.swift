internal import Basics
internal import HTTPTransport
internal import HummingbirdCore
internal import NIOCore
public import PreviewControl
internal import PreviewDomain
internal import Router
internal import Synchronization

/// The source of this service's events for the readers of a run's event stream.
public final class RunStreamSource: Sendable {
    let gate: AgentPreviewGate
    let broadcast: TimelineBroadcast
    /// Finds the pending requests of the run's child runs; `nil` if they are not merged.
    let children: ChildRequestFinder?
    let commentInterval: Duration

    /// - Parameters:
    ///   - children: Finds the pending requests of child runs; `nil` if they are not merged.
    ///   - commentInterval: How often a comment is sent to a reader who gets nothing else. The core API sends none, and
    ///     load balancers close connections that are silent for one to four minutes.
    public init(
        gate: AgentPreviewGate,
        broadcast: TimelineBroadcast,
        children: ChildRequestFinder? = nil,
        commentInterval: Duration = .seconds(20)
    ) {
        self.gate = gate
        self.broadcast = broadcast
        self.children = children
        self.commentInterval = commentInterval
    }
}

/// The core API's event stream of a run, with this service's events between the core API's own.
///
/// The core API's bytes are written as they arrive; an insertion waits until an event of the core API is complete. The
/// stream uses only its connection's task: an event of this service interrupts the wait for the core API's bytes.
struct MergedStream: Sendable {
    let run: RunID
    let source: RunStreamSource
    let response: TransportResponse
    /// Where the reader continues; `nil` if it reads from the beginning.
    let resumed: ResumedStream?
    /// The reader's bearer token, with which the core API is asked about child runs.
    let bearer: Secret?
    /// The reader's connection.
    let channel: any Channel

    /// The largest number of events that wait for a position; older ones are dropped, since every event that still
    /// matters is sent again on the next connect.
    private static let maxWaiting = 256

    /// Writes until the core API's stream ends.
    ///
    /// - Throws: The error of the core API's stream, or of writing.
    @inline(never)
    func write(to writer: inout some ResponseBodyWriter) async throws {
        let pending = PendingEvents()
        let observations = [
            source.gate.observeApprovals(run: run) {
                pending.approvalsChanged()
                response.body.interrupt()
            },
            source.broadcast.observe(run) { event in
                pending.add(event)
                response.body.interrupt()
            },
        ]
        defer { for observation in observations { observation.cancel() } }
        let interval = TimeAmount(source.commentInterval)
        let comments = channel.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            pending.commentIsDue()
            response.body.interrupt()
        }
        defer { comments.cancel() }
        let children = followChildren(pending)
        defer { children?.cancel() }
        let merger = Merger(self, pending, children)
        var unprocessed = UnprocessedBytes()
        for try await chunk in response.body {
            let buffers = merger.arrived(chunk)
            if !buffers.isEmpty { try await BodyWriting.write(contentsOf: buffers, &writer) }
            if unprocessed.isFull(after: chunk.count) { try await BodyWriting.waitForEventLoop(of: channel) }
        }
    }

    @inline(never)
    private func followChildren(_ pending: PendingEvents) -> ChildRequestFinder.Subscription? {
        guard let bearer, let finder = source.children else { return nil }
        return finder.follow(run, as: bearer) { [body = response.body] in
            pending.childRequestsChanged()
            body.interrupt()
        }
    }

    /// The parsed bytes, and the events that wait for a position. Not in the frame of the writing task, see
    /// ``BodyWriting``.
    private final class Merger {
        private let stream: MergedStream
        private let pending: PendingEvents
        private let children: ChildRequestFinder.Subscription?
        private var events = RunStreamEvents()
        private var resumed: ResumedStream?
        private var boundary = EventBoundary()
        private var waiting: [ByteBuffer] = []
        /// True if the reader got something since a comment was last due.
        private var isActive = false

        init(_ stream: MergedStream, _ pending: PendingEvents, _ children: ChildRequestFinder.Subscription?) {
            self.stream = stream
            self.pending = pending
            self.children = children
            resumed = stream.resumed
        }

        /// - Parameter chunk: Bytes of the core API, or nothing if this service has an event.
        /// - Returns: The bytes for the reader.
        func arrived(_ chunk: [UInt8]) -> [ByteBuffer] {
            let chunk = resumed?.removeLastEvent(from: chunk) ?? chunk
            var result: [ByteBuffer] = []
            if let place = boundary.read(chunk), !waiting.isEmpty {
                result.append(ByteBuffer(bytes: chunk[..<place]))
                takeWaiting(into: &result)
                if place < chunk.count { result.append(ByteBuffer(bytes: chunk[place...])) }
            } else if !chunk.isEmpty {
                result.append(ByteBuffer(bytes: chunk))
            }
            if let news = pending.take() {
                let source = stream.source
                if news.approvalsChanged {
                    waiting += events.approvalsChanged(source.gate.cachedApprovals(run: stream.run))
                }
                if news.childRequestsChanged, let children {
                    waiting += events.childRequestsChanged(children.requests)
                }
                waiting += news.events.compactMap { events.recorded($0) }
                waiting.removeFirst(max(0, waiting.count - MergedStream.maxWaiting))
            }
            if boundary.isBetweenEvents { takeWaiting(into: &result) }
            if pending.takeDueComment() {
                if result.isEmpty, !isActive, boundary.isBetweenEvents { result.append(EventStream.comment("waiting")) }
                isActive = false
            } else if !result.isEmpty {
                isActive = true
            }
            return result
        }

        private func takeWaiting(into result: inout [ByteBuffer]) {
            result += waiting
            waiting.removeAll()
        }
    }

    /// The events since the reader last took them.
    private final class PendingEvents: Sendable {
        struct News {
            var approvalsChanged = false
            var childRequestsChanged = false
            var events: [TimelineEvent] = []

            var isEmpty: Bool { !approvalsChanged && !childRequestsChanged && events.isEmpty }
        }

        private struct State {
            var news = News()
            var commentIsDue = false
        }

        /// The largest number of events that wait for the reader; older ones are dropped.
        private static let maxEvents = 32

        private let state = Mutex(State())

        func approvalsChanged() { state.withLock { $0.news.approvalsChanged = true } }

        func childRequestsChanged() { state.withLock { $0.news.childRequestsChanged = true } }

        func add(_ event: TimelineEvent) {
            state.withLock { state in
                if state.news.events.count == Self.maxEvents { state.news.events.removeFirst() }
                state.news.events.append(event)
            }
        }

        /// - Returns: `nil` if there are none.
        func take() -> News? {
            state.withLock { state in
                guard !state.news.isEmpty else { return nil }
                defer { state.news = News() }
                return state.news
            }
        }

        func commentIsDue() { state.withLock { $0.commentIsDue = true } }

        func takeDueComment() -> Bool {
            state.withLock { state in
                defer { state.commentIsDue = false }
                return state.commentIsDue
            }
        }
    }
}
