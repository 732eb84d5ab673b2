public import HTTPTypes

/// A response whose head has arrived and whose body is still streaming.
public struct TransportResponse: Sendable {
    /// Status and header fields.
    public let head: HTTPResponse
    /// The body as it arrives.
    public let body: TransportBody
    private let readTrailers: @Sendable () -> HTTPFields?

    /// Makes a response.
    ///
    /// - Parameter trailers: Returns the fields that followed the body, once it was read to its end.
    public init(
        head: HTTPResponse,
        body: TransportBody,
        trailers: @escaping @Sendable () -> HTTPFields? = { nil }
    ) {
        self.head = head
        self.body = body
        readTrailers = trailers
    }

    /// The fields that followed the body (RFC 9110 section 6.5), known once it was read to its end; `nil` where there are none.
    public var trailers: HTTPFields? { readTrailers() }
}

/// A response body: chunks of bytes in the order of their arrival, for one reader.
///
/// Reading is what drives the transfer: a transport buffers a bounded number of bytes and then stops reading from the
/// connection until the reader asks for more.
public struct TransportBody: AsyncSequence, Sendable {
    public typealias Element = [UInt8]

    private let nextChunk: @Sendable () async throws -> [UInt8]?
    private let stopReceiving: @Sendable () -> Void
    private let interruptReader: @Sendable () -> Void
    private let takeWholeBody: @Sendable () -> [UInt8]?

    /// Makes a body.
    ///
    /// - Parameters:
    ///   - nextChunk: Returns the next chunk, or `nil` at the end.
    ///   - stopReceiving: Brings the end about; without it the body cannot be ended early.
    ///   - interruptReader: Makes the reader's wait, or its next read, return an empty chunk.
    ///   - takeWholeBody: Returns the whole body where all of it has arrived.
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

    /// Reads the body without waiting.
    ///
    /// - Returns: `nil`, and then nothing is read, where it is not complete, has been read from, or is not short.
    public func takeWhole() -> [UInt8]? { takeWholeBody() }

    /// Ends the body after what has arrived by now, as if the peer had, whether or not somebody waits for more.
    public func end() { stopReceiving() }

    /// Makes the reader's wait, or its next read, return an empty chunk. So one task can wait for the body and for something else,
    /// and nothing of the body is lost.
    public func interrupt() { interruptReader() }

    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        fileprivate let nextChunk: @Sendable () async throws -> [UInt8]?

        public func next() async throws -> [UInt8]? {
            try await nextChunk()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(nextChunk: nextChunk)
    }

    /// Reads the body to its end.
    ///
    /// - Throws: ``TransportError`` of kind ``TransportError/Kind/bodyTooLarge`` once more than `maxBytes` arrived.
    public func collect(maxBytes: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in self {
            guard bytes.count + chunk.count <= maxBytes else {
                throw TransportError(.bodyTooLarge, "the body is longer than the \(maxBytes) bytes accepted")
            }
            // Most bodies come in one piece, which need not be copied.
            if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
        }
        return bytes
    }
}
