import HTTPTransport
import HTTPTypes

/// The state machine of one request: pure, with one method per event that returns what its runner has to do.
///
/// A reader is whatever waits (in production a continuation). It enters with one event and leaves with exactly one
/// action, so that it is resumed exactly once.
///
/// ```
/// idle ── begin ─▶ awaitingHead ── headArrived ─▶ streaming ── ended, stopReceiving ─▶ streaming, nothing more arrives
///   └──── stop ────────┴──────────── stop ───────────┴── stop ─▶ stopped
/// ```
struct Transfer<HeadReader, ChunkReader> {
    /// What the runner hands to a reader that waited.
    enum Delivery {
        case head(HeadReader, Result<HTTPResponse, TransportError>)
        case chunk(ChunkReader, Result<[UInt8]?, TransportError>)
    }

    /// What becomes of a chunk that arrived.
    enum ChunkArrival {
        /// It is taken; where somebody waited for it, hand it over.
        case accepted(Delivery?)
        /// The buffer is full: the connection has to offer the chunk again once it is unpaused.
        case paused
        /// Nobody wants it any more.
        case refused
    }

    /// What a reader gets.
    enum Read {
        /// The next chunk. Where `unpauses` is true, the connection has to go on.
        case chunk([UInt8], unpauses: Bool)
        case end
        case failed(TransportError)
        /// Nothing yet.
        case pending
    }

    /// What stopping a transfer takes.
    struct Stop {
        var delivery: Delivery?
        /// True when the connection still works on this transfer.
        var abortsTransfer: Bool

        fileprivate static var nothing: Self { Self(delivery: nil, abortsTransfer: false) }
    }

    private enum State {
        case idle
        case awaitingHead(HeadReader)
        case streaming
        case stopped(TransportError)
    }

    /// The number of buffered bytes that pauses the connection.
    let maxBufferedBytes: Int

    private var state = State.idle
    // The parts of `streaming`, outside of the enum so that the queue is changed in place.
    private var chunks = ChunkQueue()
    private var chunkReader: ChunkReader?
    private var isPaused = false
    /// True once the reader has asked for a part of the body.
    private var hasRead = false
    /// True when the reader is to get an empty chunk at its next read.
    private var isInterrupted = false
    /// Set when nothing more can arrive; chunks may still be unread.
    private var ending: Result<Void, TransportError>?

    init(maxBufferedBytes: Int) {
        self.maxBufferedBytes = maxBufferedBytes
    }

    /// The bytes that arrived and were not read. Never above ``maxBufferedBytes``, unless a single chunk is larger.
    var bufferedBytes: Int { chunks.byteCount }

    /// True while the request is worth sending.
    var isAwaitingHead: Bool {
        if case .awaitingHead = state { true } else { false }
    }

    // MARK: The caller's events

    /// The request is about to be submitted and `reader` waits for its head. `nil` means: submit it.
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

    /// The reader wants the body, if all of it is there and in one chunk.
    mutating func takeWhole() -> [UInt8]? {
        guard case .streaming = state, case .success = ending, chunkReader == nil, !hasRead, chunks.count <= 1 else {
            return nil
        }
        hasRead = true
        return chunks.popFirst() ?? []
    }

    /// The reader wants the next chunk, if there is one.
    mutating func read() -> Read {
        switch state {
        case .idle, .awaitingHead:
            return .failed(TransportError(.invalidRequest, "the body was read before the head"))
        case .stopped(let error):
            return .failed(error)
        case .streaming where chunkReader != nil:
            return .failed(TransportError(.invalidRequest, "the body has more than one reader"))
        case .streaming:
            hasRead = true
        }
        if isInterrupted {
            isInterrupted = false
            return .chunk([], unpauses: false)
        }
        guard let chunk = chunks.popFirst() else {
            return switch ending {
            case .none: .pending
            case .success: .end
            case .failure(let error): .failed(error)
            }
        }
        // Only once half of the buffer is free: going on costs a message to the connection's thread.
        let unpauses = isPaused && chunks.byteCount <= maxBufferedBytes / 2
        if unpauses { isPaused = false }
        return .chunk(chunk, unpauses: unpauses)
    }

    /// The reader wants the next chunk; where the answer is ``Read/pending`` it now waits.
    mutating func wait(_ reader: ChunkReader) -> Read {
        let read = read()
        if case .pending = read { chunkReader = reader }
        return read
    }

    /// The caller is done or was cancelled, or the transport shuts down: from now on there is only `error`.
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

    /// The caller wants no more than what has arrived: the body ends after that.
    mutating func stopReceiving() -> Stop {
        guard case .streaming = state, ending == nil else { return .nothing }
        ending = .success(())
        return Stop(delivery: chunkReader.take().map { .chunk($0, .success(nil)) }, abortsTransfer: true)
    }

    /// Something else than the body wants the reader's attention: it gets an empty chunk, now or at its next read.
    mutating func interrupt() -> Delivery? {
        guard case .streaming = state else { return nil }
        guard let reader = chunkReader.take() else {
            isInterrupted = true
            return nil
        }
        return .chunk(reader, .success([]))
    }

    // MARK: The connection's events

    /// The final response head is complete.
    mutating func headArrived(_ head: HTTPResponse) -> Delivery? {
        guard case .awaitingHead(let reader) = state else { return nil }
        state = .streaming
        return .head(reader, .success(head))
    }

    /// A piece of the body arrived.
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

    /// The connection is done with this transfer: every byte arrived, or the error says why not.
    mutating func ended(_ ending: Result<Void, TransportError>) -> Delivery? {
        switch state {
        case .idle, .stopped:
            return nil
        case .awaitingHead(let reader):
            let error: TransportError
            switch ending {
            case .success: error = TransportError(.protocolViolation, "the exchange ended without a response head")
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

    /// The time for the whole response is over.
    mutating func deadlinePassed() -> Stop {
        guard ending == nil else { return .nothing }
        return stop(TransportError(.timedOut, "the response was not complete within the request's time limit"))
    }

    /// The time for the response head is over.
    mutating func headDeadlinePassed() -> Stop {
        guard case .awaitingHead = state else { return .nothing }
        return stop(TransportError(.timedOut, "no response head arrived within the request's time limit"))
    }
}
