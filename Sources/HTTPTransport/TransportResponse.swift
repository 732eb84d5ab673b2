public import HTTPTypes

/// A response whose head has arrived and whose body is still streaming.
public struct TransportResponse: Sendable {
    /// Status and header fields.
    public let head: HTTPResponse
    /// The body, which is read as it arrives.
    public let body: TransportBody

    /// Creates a response.
    public init(head: HTTPResponse, body: TransportBody) {
        self.head = head
        self.body = body
    }
}

/// A response body: chunks of bytes in the order of their arrival, for one reader.
///
/// A transport buffers a limited number of bytes, and stops reading from the connection until the reader has read them.
public struct TransportBody: AsyncSequence, Sendable {
    public typealias Element = [UInt8]

    private let nextChunk: @Sendable () async throws -> [UInt8]?
    private let stopReceiving: @Sendable () -> Void
    private let interruptReader: @Sendable () -> Void
    private let takeWholeBody: @Sendable () -> [UInt8]?

    /// Creates a body.
    ///
    /// - Parameters:
    ///   - nextChunk: Returns the next chunk, or `nil` at the end.
    ///   - stopReceiving: Ends the body. Without it, the body cannot be ended early.
    ///   - interruptReader: Makes the reader's current or next read return an empty chunk.
    ///   - takeWholeBody: Returns the whole body if it has arrived completely and none of it was read; otherwise `nil`.
    public init(
        nextChunk: @escaping @Sendable () async throws -> [UInt8]?,
        stopReceiving: @escaping @Sendable () -> Void = {},
        interruptReader: @escaping @Sendable () -> Void = {},
        takeWholeBody: @escaping @Sendable () -> [UInt8]? = { nil }
    ) {
        self.nextChunk = nextChunk
        self.stopReceiving = stopReceiving
        self.interruptReader = interruptReader
        self.takeWholeBody = takeWholeBody
    }

    /// Returns the whole body without waiting.
    ///
    /// - Returns: `nil`, and nothing is read, if the body is incomplete, was partly read, or is not in one chunk.
    public func takeWhole() -> [UInt8]? { takeWholeBody() }

    /// Ends the body after the data that has arrived, even while a reader waits for more.
    public func end() { stopReceiving() }

    /// Makes the reader's current or next read return an empty chunk, so that one task can wait for the body and for another
    /// event without losing data.
    public func interrupt() { interruptReader() }

    /// Iterates over the chunks of a body.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        fileprivate let nextChunk: @Sendable () async throws -> [UInt8]?

        /// Waits for the next chunk; `nil` at the end of the body. A chunk is empty after ``TransportBody/interrupt()``.
        ///
        /// - Throws: ``TransportError``.
        public func next() async throws -> [UInt8]? {
            try await nextChunk()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(nextChunk: nextChunk)
    }

    /// Reads the body to its end.
    ///
    /// - Throws: ``TransportError``; its kind is ``TransportError/Kind/bodyTooLarge`` if the body is longer than `maxBytes`.
    public func collect(maxBytes: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in self {
            guard bytes.count + chunk.count <= maxBytes else {
                throw TransportError(.bodyTooLarge, "the body is longer than the \(maxBytes) bytes accepted")
            }
            // Most bodies arrive in one chunk, which is returned without a copy.
            if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
        }
        return bytes
    }
}
