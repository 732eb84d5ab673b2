/// The bytes of a request's body between their writer and the connection: a pure state machine.
///
/// The connection asks first; the writer begins only then, and stays ahead by a bounded number of bytes. A writer is
/// whatever waits (in production a continuation); it enters with one event and leaves with exactly one action.
struct UploadBuffer<Writer> {
    /// What the connection gets.
    enum Taken {
        /// The next bytes.
        case bytes(ArraySlice<UInt8>)
        /// Nothing yet: the connection has to be told when it may ask again.
        case nothingYet
        case end
    }

    /// What a writer is told.
    enum Permission: Equatable {
        case write
        case wait
        /// Nobody wants more.
        case over
    }

    /// What became of a chunk, or of the end.
    enum Acceptance: Equatable {
        /// It is taken. Where `resumes` is true, the connection may ask again.
        case accepted(resumes: Bool)
        /// It contradicts the length that was declared.
        case wrongLength
        case over
    }

    private let maxBufferedBytes: Int
    private var chunks = ChunkQueue()
    /// What is left of the chunk that the connection has taken a part of.
    private var current: ArraySlice<UInt8> = []
    /// How many bytes are still to be written; `nil` where no length was declared.
    private var remaining: Int?
    private var writer: Writer?
    private var isStarved = false
    private var isComplete = false
    /// True once nobody wants more.
    private(set) var isOver = false
    /// True once the connection has asked for the body, so that the request cannot be sent again.
    private(set) var hasBegun = false

    init(length: Int?, maxBufferedBytes: Int) {
        remaining = length
        self.maxBufferedBytes = maxBufferedBytes
    }

    /// How many bytes wait for the connection.
    var bufferedBytes: Int { current.count + chunks.byteCount }

    // MARK: The connection's events

    /// The connection wants at most `count` bytes.
    ///
    /// - Returns: What it gets, and the writer that may go on.
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
            isStarved = true
            taken = .nothingYet
        }
        return (taken, bufferedBytes <= maxBufferedBytes / 2 ? writer.take() : nil)
    }

    /// Nobody wants more of the body.
    ///
    /// - Returns: The writer that has to be told.
    mutating func end() -> Writer? {
        isOver = true
        chunks.removeAll()
        current = []
        return writer.take()
    }

    // MARK: The writer's events

    /// The writer wants to write; where the answer is ``Permission/wait`` it now waits.
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
        return .accepted(resumes: feed())
    }

    /// Everything was written.
    mutating func complete() -> Acceptance {
        if isOver { return .over }
        guard remaining ?? 0 == 0 else { return .wrongLength }
        isComplete = true
        return .accepted(resumes: feed())
    }

    private mutating func feed() -> Bool {
        defer { isStarved = false }
        return isStarved
    }
}
