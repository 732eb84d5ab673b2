/// A request's body that is sent while it is still being made.
///
/// Nothing is asked of the body before the peer wants it: until then the request may be sent again.
public struct TransportUpload: Sendable {
    /// The body's length in bytes; `nil` sends it in chunks (RFC 9112 section 7.1).
    public let length: Int?
    /// Writes the whole body. It is called once at most, when the peer wants the first byte, and cancelled when the peer wants
    /// no more.
    public let write: @Sendable (TransportUploadWriter) async throws -> Void

    /// Makes a body.
    ///
    /// - Parameters:
    ///   - length: The body's length in bytes; `nil` sends it in chunks.
    ///   - write: Writes the whole body; what it throws ends the request.
    public init(length: Int?, write: @escaping @Sendable (TransportUploadWriter) async throws -> Void) {
        self.length = length
        self.write = write
    }
}

/// Takes a request's body, piece by piece.
public struct TransportUploadWriter: Sendable {
    private let send: @Sendable ([UInt8]) async throws -> Void

    /// Makes a writer.
    ///
    /// - Parameter send: Takes one chunk, and returns once there is room for another.
    public init(_ send: @escaping @Sendable ([UInt8]) async throws -> Void) {
        self.send = send
    }

    /// Writes one chunk, and waits until there is room for another.
    ///
    /// - Throws: ``TransportError`` when the peer wants no more.
    public func write(_ chunk: [UInt8]) async throws { try await send(chunk) }
}
