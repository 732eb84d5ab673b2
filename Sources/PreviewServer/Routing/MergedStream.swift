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
    let commentInterval: Duration

    /// - Parameter commentInterval: How often a comment is sent to a reader who gets nothing else. The core API sends
    ///   none, and load balancers close connections that are silent for one to four minutes.
    public init(gate: AgentPreviewGate, broadcast: TimelineBroadcast, commentInterval: Duration = .seconds(20)) {
        self.gate = gate
        self.broadcast = broadcast
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
        let merger = Merger(self, pending)
        var unprocessed = UnprocessedBytes()
        for try await chunk in response.body {
            let buffers = merger.arrived(chunk)
            if !buffers.isEmpty { try await BodyWriting.write(contentsOf: buffers, &writer) }
            if unprocessed.isFull(after: chunk.count) { try await BodyWriting.waitForEventLoop(of: channel) }
        }
    }

    /// The parsed bytes, and the events that wait for a position. Not in the frame of the writing task, see
    /// ``BodyWriting``.
    private final class Merger {
        private let stream: MergedStream
        private let pending: PendingEvents
        private var events = RunStreamEvents()
        private var resumed: ResumedStream?
        private var boundary = EventBoundary()
        private var waiting: [ByteBuffer] = []
        /// True if the reader got something since a comment was last due.
        private var isActive = false

        init(_ stream: MergedStream, _ pending: PendingEvents) {
            self.stream = stream
            self.pending = pending
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
            if let (approvalsChanged, added) = pending.take() {
                let source = stream.source
                if approvalsChanged { waiting += events.approvalsChanged(source.gate.cachedApprovals(run: stream.run)) }
                waiting += added.compactMap { events.recorded($0) }
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
        private struct State {
            var approvalsChanged = false
            var events: [TimelineEvent] = []
            var commentIsDue = false
        }

        /// The largest number of events that wait for the reader; older ones are dropped.
        private static let maxEvents = 32

        private let state = Mutex(State())

        func approvalsChanged() { state.withLock { $0.approvalsChanged = true } }

        func add(_ event: TimelineEvent) {
            state.withLock { state in
                if state.events.count == Self.maxEvents { state.events.removeFirst() }
                state.events.append(event)
            }
        }

        /// - Returns: `nil` if there are none.
        func take() -> (approvalsChanged: Bool, events: [TimelineEvent])? {
            state.withLock { state in
                guard state.approvalsChanged || !state.events.isEmpty else { return nil }
                defer { (state.approvalsChanged, state.events) = (false, []) }
                return (state.approvalsChanged, state.events)
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
