internal import AsyncAlgorithms
internal import HTTPTransport
internal import HummingbirdCore
internal import NIOCore
public import PreviewControl
internal import PreviewDomain
internal import Router

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
/// The core's bytes are written as they come; what is put between waits until an event of the core's is complete.
struct MergedStream: Sendable {
    let run: RunID
    let source: RunStreamSource
    let response: TransportResponse

    /// The most events that wait for the core's to be complete; older ones are dropped, since each is told again on the next
    /// connect where it still matters.
    private static let maxWaiting = 256

    private enum Item: Sendable {
        case chunk([UInt8])
        case end
        case failure(any Error)
        case approvals([Approval])
        case event(TimelineEvent)
    }

    /// Writes until the core API's stream ends.
    ///
    /// - Throws: What the core API's stream, or writing, fails with.
    func write(to writer: inout some ResponseBodyWriter) async throws {
        let items = AsyncChannel<Item>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                do {
                    for try await chunk in response.body { await items.send(.chunk(chunk)) }
                    await items.send(.end)
                } catch {
                    await items.send(.failure(error))
                }
            }
            group.addTask {
                for await approvals in source.gate.approvalUpdates(run: run) { await items.send(.approvals(approvals)) }
            }
            group.addTask {
                for await event in source.broadcast.events(of: run) { await items.send(.event(event)) }
            }
            try await write(items, to: &writer)
        }
    }

    private func write(_ items: AsyncChannel<Item>, to writer: inout some ResponseBodyWriter) async throws {
        var events = RunStreamEvents()
        var boundary = EventBoundary()
        var waiting: [ByteBuffer] = []
        for await item in items {
            switch item {
            case .chunk(let chunk):
                let place = boundary.read(chunk)
                if let place, !waiting.isEmpty {
                    try await writer.write(ByteBuffer(bytes: chunk[..<place]))
                    try await writer.write(contentsOf: waiting)
                    waiting.removeAll()
                    if place < chunk.count { try await writer.write(ByteBuffer(bytes: chunk[place...])) }
                } else {
                    try await writer.write(ByteBuffer(bytes: chunk))
                }
                continue
            case .end: return
            case .failure(let error): throw error
            case .approvals(let approvals): waiting += events.approvalsChanged(approvals)
            case .event(let event): if let buffer = events.recorded(event) { waiting.append(buffer) }
            }
            guard boundary.isOpen, !waiting.isEmpty else {
                waiting.removeFirst(max(0, waiting.count - Self.maxWaiting))
                continue
            }
            try await writer.write(contentsOf: waiting)
            waiting.removeAll()
        }
        throw CancellationError()
    }
}
