public import HTTPTypes

/// A client that performs HTTP requests and streams their responses.
///
/// A response is valid only inside the closure. When the closure returns, throws or is cancelled, the rest of the transfer is
/// aborted, so no transfer outlives the task that started it.
public protocol HTTPTransport: Sendable {
    /// Sends `request` and calls `handle` with the response when its head has arrived.
    ///
    /// - Parameters:
    ///   - request: The request and its time limits.
    ///   - handle: Reads the response. The body is valid until `handle` returns.
    /// - Returns: The result of `handle`.
    /// - Throws: A ``TransportError`` if no response or only a part of it arrived, or the error of `handle`.
    func withResponse<Result: Sendable>(
        to request: TransportRequest,
        _ handle: @Sendable (TransportResponse) async throws -> Result
    ) async throws -> Result
}

extension HTTPTransport {
    /// Sends `request` and reads its whole response into memory.
    ///
    /// - Parameters:
    ///   - request: The request and its time limits.
    ///   - maxBodyBytes: The maximum size of the body; a longer one fails with ``TransportError/Kind/bodyTooLarge``.
    /// - Returns: The response head and the complete body.
    /// - Throws: A ``TransportError``.
    public func collect(
        _ request: TransportRequest,
        maxBodyBytes: Int
    ) async throws -> (head: HTTPResponse, body: [UInt8]) {
        try await withResponse(to: request) { response in
            (response.head, try await response.body.collect(maxBytes: maxBodyBytes))
        }
    }
}

/// An HTTP request with its body and its time limits.
public struct TransportRequest: Sendable {
    /// Method, scheme, authority, path and header fields.
    public var head: HTTPRequest
    /// The body; none is sent if it is empty.
    public var body: [UInt8]
    /// The longest time from the call to the last byte of the response's body; `nil` for streams without an end.
    public var timeout: Duration?
    /// The longest time from the call to the end of the response head; `nil` for no separate limit.
    public var headTimeout: Duration?
    /// Whether the request uses a new connection that is closed after it, instead of an existing one.
    public var usesOwnConnection: Bool
    /// The address or name to connect to instead of the URL's host, on the same port. TLS and `Host` still use the URL's host.
    public var connectAddress: String?
    /// Whether the transport may send the request a second time although the first may have had an effect. By default an
    /// idempotent one may be repeated (RFC 9110 section 9.2.2), whose second answer can differ all the same: 404 to a DELETE.
    public var mayBeRepeated: Bool

    public init(
        head: HTTPRequest,
        body: [UInt8] = [],
        timeout: Duration?,
        headTimeout: Duration? = nil,
        usesOwnConnection: Bool = false
    ) {
        self.head = head
        self.body = body
        self.timeout = timeout
        self.headTimeout = headTimeout
        self.usesOwnConnection = usesOwnConnection
        mayBeRepeated = [.get, .head, .options, .trace, .put, .delete].contains(head.method)
    }
}
