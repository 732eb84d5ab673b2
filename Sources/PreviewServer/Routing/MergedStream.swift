internal import HTTPTransport
internal import HummingbirdCore
internal import NIOCore
public import PreviewControl
internal import PreviewDomain
internal import Router
internal import Synchronization

/// What this service has to tell the readers of a run's event stream.
public struct RunStreamSource: Sendable {
    let gate: AgentPreviewGate
    let broadcast: TimelineBroadcast

    public init(gate: AgentPreviewGate, broadcast: TimelineBroadcast) {
        self.gate = gate
        self.broadcast = broadcast
    }
}

/// The core API's event stream of a run with this service's events between the core's own.
///
/// The core's bytes are written as they come; what is put between waits until an event of the core's is complete. The stream has
/// no task but its connection's: what happens here interrupts the wait for the core's bytes.
struct MergedStream: Sendable {
    let run: RunID
    let source: RunStreamSource
    let response: TransportResponse

    /// The most events that wait for the core's to be complete; older ones are dropped, since each is told again on the next
    /// connect where it still matters.
    private static let maxWaiting = 256

    /// Writes until the core API's stream ends.
    ///
    /// - Throws: What the core API's stream, or writing, fails with.
    func write(to writer: inout some ResponseBodyWriter) async throws {
        let news = News()
        let observations = [
            source.gate.observeApprovals(run: run) {
                news.approvalsChanged()
                response.body.interrupt()
            },
            source.broadcast.observe(run) { event in
                news.happened(event)
                response.body.interrupt()
            },
        ]
        defer { for observation in observations { observation.cancel() } }
        var events = RunStreamEvents()
        var boundary = EventBoundary()
        var waiting: [ByteBuffer] = []
        for try await chunk in response.body {
            let place = boundary.read(chunk)
            if let place, !waiting.isEmpty {
                try await writer.write(ByteBuffer(bytes: chunk[..<place]))
                try await writer.write(contentsOf: waiting)
                waiting.removeAll()
                if place < chunk.count { try await writer.write(ByteBuffer(bytes: chunk[place...])) }
            } else if !chunk.isEmpty {
                try await writer.write(ByteBuffer(bytes: chunk))
            }
            if let (approvalsChanged, happened) = news.take() {
                if approvalsChanged { waiting += events.approvalsChanged(source.gate.knownApprovals(run: run)) }
                waiting += happened.compactMap { events.recorded($0) }
                waiting.removeFirst(max(0, waiting.count - Self.maxWaiting))
            }
            guard boundary.isOpen, !waiting.isEmpty else { continue }
            try await writer.write(contentsOf: waiting)
            waiting.removeAll()
        }
    }

    /// What has happened since the reader last looked.
    private final class News: Sendable {
        private struct State {
            var approvalsChanged = false
            var events: [TimelineEvent] = []
        }

        /// The most events that a reader which does not look can miss; older ones are dropped.
        private static let maxEvents = 32

        private let state = Mutex(State())

        func approvalsChanged() { state.withLock { $0.approvalsChanged = true } }

        func happened(_ event: TimelineEvent) {
            state.withLock { state in
                if state.events.count == Self.maxEvents { state.events.removeFirst() }
                state.events.append(event)
            }
        }

        /// - Returns: `nil` where nothing has happened.
        func take() -> (approvalsChanged: Bool, events: [TimelineEvent])? {
            state.withLock { state in
                guard state.approvalsChanged || !state.events.isEmpty else { return nil }
                defer { state = State() }
                return (state.approvalsChanged, state.events)
            }
        }
    }
}
