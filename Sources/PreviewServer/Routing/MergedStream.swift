internal import HTTPTransport
internal import HummingbirdCore
internal import NIOCore
public import PreviewControl
internal import PreviewDomain
internal import Router
internal import Synchronization

/// What this service has to tell the readers of a run's event stream.
public final class RunStreamSource: Sendable {
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
    @inline(never)
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
        let merge = Merge(self, news)
        for try await chunk in response.body {
            let buffers = merge.arrived(chunk)
            if !buffers.isEmpty { try await BodyWriting.write(contentsOf: buffers, &writer) }
        }
    }

    /// What was read, and what waits for a place. Not in the frame of the task that writes, see ``BodyWriting``.
    private final class Merge {
        private let stream: MergedStream
        private let news: News
        private var events = RunStreamEvents()
        private var boundary = EventBoundary()
        private var waiting: [ByteBuffer] = []

        init(_ stream: MergedStream, _ news: News) {
            self.stream = stream
            self.news = news
        }

        /// - Parameter chunk: What the core API wrote, or nothing where something else has happened.
        /// - Returns: What the reader gets now.
        func arrived(_ chunk: [UInt8]) -> [ByteBuffer] {
            var result: [ByteBuffer] = []
            if let place = boundary.read(chunk), !waiting.isEmpty {
                result.append(ByteBuffer(bytes: chunk[..<place]))
                takeWaiting(into: &result)
                if place < chunk.count { result.append(ByteBuffer(bytes: chunk[place...])) }
            } else if !chunk.isEmpty {
                result.append(ByteBuffer(bytes: chunk))
            }
            if let (approvalsChanged, happened) = news.take() {
                let source = stream.source
                if approvalsChanged { waiting += events.approvalsChanged(source.gate.knownApprovals(run: stream.run)) }
                waiting += happened.compactMap { events.recorded($0) }
                waiting.removeFirst(max(0, waiting.count - MergedStream.maxWaiting))
            }
            if boundary.isOpen { takeWaiting(into: &result) }
            return result
        }

        private func takeWaiting(into result: inout [ByteBuffer]) {
            result += waiting
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
