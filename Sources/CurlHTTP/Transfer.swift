import HTTPTransport
import HTTPTypes

/// The state machine of one request. It is pure: each event is a method that returns what the runner has to do.
///
/// A reader is what waits for a result; in production it is a continuation. It is passed in with one event and returned with
/// exactly one action, so it is resumed exactly once.
///
/// ```
/// idle ── begin ─▶ awaitingHead ── headArrived ─▶ streaming ── ended, stopReceiving ─▶ streaming, nothing more arrives
///   └──── stop ────────┴──────────── stop ───────────┴── stop ─▶ stopped
/// ```
struct Transfer<HeadReader, ChunkReader> {
    /// A result for a waiting reader.
    enum Delivery {
        case head(HeadReader, Result<HTTPResponse, TransportError>)
        case chunk(ChunkReader, Result<[UInt8]?, TransportError>)
    }

    /// The result of offering a chunk that arrived.
    enum ChunkArrival {
        /// The chunk was taken. If a reader waited, the runner performs the delivery.
        case accepted(Delivery?)
        /// The buffer is full. The connection offers the chunk again after it is unpaused.
        case paused
        /// The body is no longer wanted.
        case refused
    }

    /// The result of a read.
    enum Read {
        /// The next chunk. If `unpauses` is true, the runner must unpause the connection.
        case chunk([UInt8], unpauses: Bool)
        case end
        case failed(TransportError)
        /// No data has arrived yet.
        case pending
    }

    /// What the runner has to do when a transfer is stopped.
    struct Stop {
        var delivery: Delivery?
        /// Whether the connection must abort the transfer.
        var abortsTransfer: Bool

        fileprivate static var nothing: Self { Self(delivery: nil, abortsTransfer: false) }
    }

    private enum State {
        case idle
        case awaitingHead(HeadReader)
        case streaming
        case stopped(TransportError)
    }

    /// The number of buffered bytes at which the connection is paused.
    let maxBufferedBytes: Int

    private var state = State.idle
    // The state of `streaming`. It is not a part of the enum, so that the queue is changed in place.
    private var chunks = ChunkQueue()
    private var chunkReader: ChunkReader?
    private var isPaused = false
    /// Set when no more data can arrive. Unread chunks may remain.
    private var ending: Result<Void, TransportError>?

    init(maxBufferedBytes: Int) {
        self.maxBufferedBytes = maxBufferedBytes
    }

    /// The number of bytes that have arrived and were not read. At most ``maxBufferedBytes``, unless a single chunk is larger.
    var bufferedBytes: Int { chunks.byteCount }

    /// Whether the caller still waits for the response head.
    var isAwaitingHead: Bool {
        if case .awaitingHead = state { true } else { false }
    }

    // MARK: The caller's events

    /// Starts the transfer; `reader` waits for the response head.
    ///
    /// - Returns: `nil` if the request must be submitted; otherwise the error for the reader.
    mutating func begin(_ reader: HeadReader) -> Delivery? {
        switch state {
        case .idle:
            state = .awaitingHead(reader)
            return nil
        case .stopped(let error):
            return .head(reader, .failure(error))
        case .awaitingHead, .streaming:
            return .head(reader, .failure(TransportError(.invalidRequest, "the request was already sent")))
        }
    }

    /// Returns the next chunk if there is one.
    mutating func read() -> Read {
        switch state {
        case .idle, .awaitingHead:
            return .failed(TransportError(.invalidRequest, "the body was read before the head"))
        case .stopped(let error):
            return .failed(error)
        case .streaming where chunkReader != nil:
            return .failed(TransportError(.invalidRequest, "the body has more than one reader"))
        case .streaming:
            break
        }
        guard let chunk = chunks.popFirst() else {
            return switch ending {
            case .none: .pending
            case .success: .end
            case .failure(let error): .failed(error)
            }
        }
        // Not before half of the buffer is free, because unpausing costs a message to the connection's thread.
        let unpauses = isPaused && chunks.byteCount <= maxBufferedBytes / 2
        if unpauses { isPaused = false }
        return .chunk(chunk, unpauses: unpauses)
    }

    /// Like ``read()``, but for ``Read/pending`` the reader waits from then on.
    mutating func wait(_ reader: ChunkReader) -> Read {
        let read = read()
        if case .pending = read { chunkReader = reader }
        return read
    }

    /// Stops the transfer: the caller is done or cancelled, or the transport shuts down. Later reads fail with `error`.
    mutating func stop(_ error: TransportError) -> Stop {
        defer {
            chunks.removeAll()
            chunkReader = nil
        }
        switch state {
        case .stopped:
            return .nothing
        case .idle:
            state = .stopped(error)
            return .nothing
        case .awaitingHead(let reader):
            state = .stopped(error)
            return Stop(delivery: .head(reader, .failure(error)), abortsTransfer: true)
        case .streaming:
            state = .stopped(error)
            return Stop(
                delivery: chunkReader.map { .chunk($0, .failure(error)) },
                abortsTransfer: ending == nil
            )
        }
    }

    /// Ends the body after the data that has arrived.
    mutating func stopReceiving() -> Stop {
        guard case .streaming = state, ending == nil else { return .nothing }
        ending = .success(())
        return Stop(delivery: chunkReader.take().map { .chunk($0, .success(nil)) }, abortsTransfer: true)
    }

    // MARK: The connection's events

    /// Handles the final response head.
    mutating func headArrived(_ head: HTTPResponse) -> Delivery? {
        guard case .awaitingHead(let reader) = state else { return nil }
        state = .streaming
        return .head(reader, .success(head))
    }

    /// Handles a part of the body.
    mutating func chunkArrived(_ chunk: [UInt8]) -> ChunkArrival {
        guard case .streaming = state, ending == nil else { return .refused }
        if let reader = chunkReader.take() {
            return .accepted(.chunk(reader, .success(chunk)))
        }
        guard chunks.isEmpty || chunks.byteCount + chunk.count <= maxBufferedBytes else {
            isPaused = true
            return .paused
        }
        chunks.append(chunk)
        return .accepted(nil)
    }

    /// Handles the end of the transfer: the response is complete, or `ending` contains the error.
    mutating func ended(_ ending: Result<Void, TransportError>) -> Delivery? {
        switch state {
        case .idle, .stopped:
            return nil
        case .awaitingHead(let reader):
            let error: TransportError
            switch ending {
            case .success: error = TransportError(.protocolViolation, "the response ended without a head")
            case .failure(let reason): error = reason
            }
            state = .stopped(error)
            return .head(reader, .failure(error))
        case .streaming:
            guard self.ending == nil else { return nil }
            self.ending = ending
            return chunkReader.take().map { .chunk($0, ending.map { nil }) }
        }
    }

    // MARK: The clock's events

    /// Handles the end of the time for the whole response.
    mutating func deadlinePassed() -> Stop {
        guard ending == nil else { return .nothing }
        return stop(TransportError(.timedOut, "the response was not complete within the request's time limit"))
    }

    /// Handles the end of the time for the response head.
    mutating func headDeadlinePassed() -> Stop {
        guard case .awaitingHead = state else { return .nothing }
        return stop(TransportError(.timedOut, "no response head arrived within the request's time limit"))
    }
}
