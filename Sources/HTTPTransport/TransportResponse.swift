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

    /// Creates a body.
    ///
    /// - Parameters:
    ///   - nextChunk: Returns the next chunk, or `nil` at the end.
    ///   - stopReceiving: Ends the body. Without it, the body cannot be ended early.
    public init(
        nextChunk: @escaping @Sendable () async throws -> [UInt8]?,
        stopReceiving: @escaping @Sendable () -> Void = {}
    ) {
        self.nextChunk = nextChunk
        self.stopReceiving = stopReceiving
    }

    /// Ends the body after the data that has arrived, even while a reader waits for more.
    public func end() { stopReceiving() }

    /// Iterates over the chunks of a body.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        fileprivate let nextChunk: @Sendable () async throws -> [UInt8]?

        /// Waits for the next chunk; `nil` at the end of the body.
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
