/// The bytes of a request's body between their writer and the connection. It is a pure state machine.
///
/// The writer starts when the connection asks for the first bytes, and is ahead of it by a limited number of bytes. A writer is
/// what waits for room; in production it is a continuation. It is passed in with one event and returned with exactly one
/// action.
struct UploadBuffer<Writer> {
    /// The result of the connection's request for bytes.
    enum Taken {
        /// The next bytes.
        case bytes(ArraySlice<UInt8>)
        /// No data yet. The connection must be resumed when there is.
        case nothingYet
        case end
    }

    /// The result of a writer's request for room.
    enum Permission: Equatable {
        case write
        case wait
        /// The body is no longer needed.
        case over
    }

    /// The result of adding a chunk, or of completing the body.
    enum Acceptance: Equatable {
        /// It was accepted. If `resumes` is true, the connection must be resumed.
        case accepted(resumes: Bool)
        /// It contradicts the declared length.
        case wrongLength
        case over
    }

    private let maxBufferedBytes: Int
    private var chunks = ChunkQueue()
    /// The rest of a chunk of which the connection has taken a part.
    private var current: ArraySlice<UInt8> = []
    /// The number of bytes that still have to be written; `nil` if no length was declared.
    private var remaining: Int?
    private var writer: Writer?
    private var isConnectionWaiting = false
    private var isComplete = false
    /// Whether the body is no longer needed.
    private(set) var isOver = false
    /// Whether the connection has asked for the body. The request cannot be sent again after that.
    private(set) var hasBegun = false

    init(length: Int?, maxBufferedBytes: Int) {
        remaining = length
        self.maxBufferedBytes = maxBufferedBytes
    }

    /// The number of bytes that the connection has not taken yet.
    var bufferedBytes: Int { current.count + chunks.byteCount }

    // MARK: The connection's events

    /// Takes at most `count` bytes for the connection.
    ///
    /// - Returns: The result, and the writer to resume because there is room again.
    mutating func take(_ count: Int) -> (Taken, resumed: Writer?) {
        hasBegun = true
        if current.isEmpty, let chunk = chunks.popFirst() { current = chunk[...] }
        let taken: Taken
        if !current.isEmpty {
            taken = .bytes(current.prefix(count))
            current = current.dropFirst(count)
        } else if isComplete {
            taken = .end
        } else {
            isConnectionWaiting = true
            taken = .nothingYet
        }
        return (taken, bufferedBytes <= maxBufferedBytes / 2 ? writer.take() : nil)
    }

    /// Ends the body: no more of it is needed.
    ///
    /// - Returns: The writer to resume, which must stop.
    mutating func end() -> Writer? {
        isOver = true
        chunks.removeAll()
        current = []
        return writer.take()
    }

    // MARK: The writer's events

    /// Asks for room to write. For ``Permission/wait`` the writer waits from then on.
    mutating func wait(_ writer: Writer) -> Permission {
        if isOver { return .over }
        if hasBegun, bufferedBytes < maxBufferedBytes { return .write }
        self.writer = writer
        return .wait
    }

    mutating func append(_ chunk: [UInt8]) -> Acceptance {
        if isOver { return .over }
        if let remaining {
            guard chunk.count <= remaining else { return .wrongLength }
            self.remaining = remaining - chunk.count
        }
        guard !chunk.isEmpty else { return .accepted(resumes: false) }
        chunks.append(chunk)
        return .accepted(resumes: endConnectionWait())
    }

    /// Marks the body as complete.
    mutating func complete() -> Acceptance {
        if isOver { return .over }
        guard remaining ?? 0 == 0 else { return .wrongLength }
        isComplete = true
        return .accepted(resumes: endConnectionWait())
    }

    private mutating func endConnectionWait() -> Bool {
        defer { isConnectionWaiting = false }
        return isConnectionWaiting
    }
}
