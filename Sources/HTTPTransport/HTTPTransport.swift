public import HTTPTypes

/// Something that performs HTTP requests and streams their responses.
///
/// The response lives only inside the closure: when the closure returns, throws or is cancelled, whatever is left of
/// the transfer is aborted. No transfer can therefore outlive the task that asked for it.
public protocol HTTPTransport: Sendable {
    /// Sends `request` and hands its response to `handle` as soon as the response head has arrived.
    ///
    /// - Parameters:
    ///   - request: What to send, with its time limits.
    ///   - handle: Reads the response. The body is only valid until `handle` returns.
    /// - Returns: What `handle` returned.
    /// - Throws: A ``TransportError`` when no response or only a part of it arrived, or what `handle` threw.
    func withResponse<Result: Sendable>(
        to request: TransportRequest,
        _ handle: @Sendable (TransportResponse) async throws -> Result
    ) async throws -> Result
}

extension HTTPTransport {
    /// Sends `request` and reads its whole response into memory.
    ///
    /// - Parameters:
    ///   - request: What to send.
    ///   - maxBodyBytes: The largest body accepted; a longer one fails with ``TransportError/Kind/bodyTooLarge``.
    /// - Returns: The response head and the complete body.
    public func collect(
        _ request: TransportRequest,
        maxBodyBytes: Int
    ) async throws -> (head: HTTPResponse, body: [UInt8]) {
        try await withResponse(to: request) { response in
            (response.head, try await response.body.collect(maxBytes: maxBodyBytes))
        }
    }
}
