import HTTPTransport
import HTTPTypes
import Synchronization

/// The runner of one ``Transfer``, between the caller's task and the thread of the ``CurlLoop``.
///
/// The lock covers only transitions; readers are resumed and messages are sent outside of it.
final class Exchange: Sendable {
    typealias Machine = Transfer<CheckedContinuation<HTTPResponse, any Error>, CheckedContinuation<[UInt8]?, any Error>>

    /// The number of unread bytes of a response body at which its connection is paused.
    private static let maxBufferedBytes = 256 * 1_024

    let plan: RequestPlan
    /// The time at which the response head must be complete; `nil` without such a limit.
    let headDeadline: ContinuousClock.Instant?
    /// The time at which the whole response must be complete; `nil` for streams.
    let deadline: ContinuousClock.Instant?

    private let mailbox: Mailbox
    private let machine = Mutex(Machine(maxBufferedBytes: Exchange.maxBufferedBytes))

    init(_ request: TransportRequest, plan: RequestPlan, mailbox: Mailbox) {
        self.plan = plan
        self.mailbox = mailbox
        let now = ContinuousClock.now
        headDeadline = request.headTimeout.map { now.advanced(by: $0) }
        deadline = request.timeout.map { now.advanced(by: $0) }
    }

    // MARK: The caller's side

    /// Sends the request and waits for the response head.
    func head() async throws -> HTTPResponse {
        try await withCheckedThrowingContinuation { continuation in
            if let delivery = machine.withLock({ $0.begin(continuation) }) {
                delivery.perform()
            } else if let refusal = mailbox.submit(.start(self)) {
                machine.withLock { $0.stop(refusal) }.delivery?.perform()
            }
        }
    }

    /// Waits for the next chunk of the body; `nil` at its end.
    @Sendable func nextChunk() async throws -> [UInt8]? {
        switch machine.withLock({ $0.read() }) {
        case .chunk(let chunk, let unpauses):
            if unpauses { unpause() }
            return chunk
        case .end:
            return nil
        case .failed(let error):
            throw error
        case .pending:
            // The reader may be a child task that is cancelled while the task that sent the request is not.
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { waitForChunk($0) }
            } onCancel: {
                cancel()
            }
        }
    }

    private func waitForChunk(_ continuation: CheckedContinuation<[UInt8]?, any Error>) {
        switch machine.withLock({ $0.wait(continuation) }) {
        case .chunk(let chunk, let unpauses):
            if unpauses { unpause() }
            continuation.resume(returning: chunk)
        case .end:
            continuation.resume(returning: nil)
        case .failed(let error):
            continuation.resume(throwing: error)
        case .pending:
            break
        }
    }

    /// Aborts the transfer because the caller's task was cancelled.
    func cancel() {
        stop(TransportError(.cancelled, "the request was cancelled"))
    }

    /// Aborts the rest of the transfer because the caller has returned from its response handler.
    func close() {
        stop(TransportError(.cancelled, "the response is no longer valid"))
    }

    /// Aborts the rest of the transfer. The body ends with what has arrived.
    @Sendable func stopReceiving() {
        perform(machine.withLock { $0.stopReceiving() })
    }

    private func stop(_ error: TransportError) {
        perform(machine.withLock { $0.stop(error) })
    }

    private func perform(_ stop: Machine.Stop) {
        stop.delivery?.perform()
        // If the mailbox is closed, the loop aborts all transfers itself.
        if stop.abortsTransfer { _ = mailbox.submit(.abort(self)) }
    }

    private func unpause() {
        _ = mailbox.submit(.unpause(self))
    }

    // MARK: The loop's side

    /// Whether the caller still waits for the response head.
    var isAwaitingHead: Bool {
        machine.withLock { $0.isAwaitingHead }
    }

    func headArrived(_ head: HTTPResponse) -> Machine.Delivery? {
        machine.withLock { $0.headArrived(head) }
    }

    func chunkArrived(_ chunk: [UInt8]) -> Machine.ChunkArrival {
        machine.withLock { $0.chunkArrived(chunk) }
    }

    func ended(_ ending: Result<Void, TransportError>) -> Machine.Delivery? {
        machine.withLock { $0.ended(ending) }
    }

    /// Applies the deadlines that have passed at `now`.
    func expire(at now: ContinuousClock.Instant) -> Machine.Stop {
        machine.withLock { machine in
            if let deadline, deadline <= now { return machine.deadlinePassed() }
            if let headDeadline, headDeadline <= now { return machine.headDeadlinePassed() }
            return Machine.Stop(delivery: nil, abortsTransfer: false)
        }
    }

    /// Ends the exchange because the transport shuts down.
    func shutDown() -> Machine.Delivery? {
        machine.withLock { $0.stop(.shutDown) }.delivery
    }

    /// The next deadline after `now`; `nil` if there is none.
    func nextDeadline(after now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        [headDeadline, deadline].compactMap { $0 }.filter { $0 > now }.min()
    }
}

extension TransportError {
    /// The transport was shut down before the response was complete.
    static var shutDown: Self { Self(.cancelled, "the transport was shut down") }
}

extension Exchange.Machine.Delivery {
    /// Resumes the waiting reader.
    func perform() {
        switch self {
        case .head(let reader, let result): reader.resume(with: result.mapError { $0 })
        case .chunk(let reader, let result): reader.resume(with: result.mapError { $0 })
        }
    }
}

/// Chunks of a body between the connection and the reader, in the order of their arrival. Small ones become one.
struct ChunkQueue {
    /// The maximum size of a chunk to which further data is appended, in bytes. libcurl delivers bodies in pieces of at most 16
    /// KB; merging them saves a reader's turns.
    static let maxChunkBytes = 64 * 1_024
    private static let largePiece = 8 * 1_024
    /// The number of delivered slots at the front after which the array is compacted.
    private static let maxSpentSlots = 32

    private var chunks: [[UInt8]] = []
    private var first = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { first == chunks.count }

    mutating func append(_ chunk: [UInt8]) {
        byteCount += chunk.count
        if let last = chunks.indices.last, last >= first, chunks[last].count + chunk.count <= Self.maxChunkBytes {
            // After a large piece more data usually follows, and growing in small steps would copy the chunk repeatedly.
            if chunk.count >= Self.largePiece { chunks[last].reserveCapacity(Self.maxChunkBytes) }
            chunks[last] += chunk
        } else {
            chunks.append(chunk)
        }
    }

    mutating func popFirst() -> [UInt8]? {
        guard !isEmpty else { return nil }
        let chunk = chunks[first]
        chunks[first] = []
        first += 1
        byteCount -= chunk.count
        if isEmpty {
            chunks.removeAll(keepingCapacity: true)
            first = 0
        } else if first == Self.maxSpentSlots {
            chunks.removeSubrange(..<first)
            first = 0
        }
        return chunk
    }

    mutating func removeAll() {
        self = ChunkQueue()
    }
}
