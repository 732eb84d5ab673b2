public import HTTPTypes
import Synchronization

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

/// One HTTP request with its body and its time limits.
public struct TransportRequest: Sendable {
    /// Method, scheme, authority, path and header fields.
    public var head: HTTPRequest
    /// The body; empty means that none is sent.
    public var body: [UInt8]
    /// The longest time from the call to the last byte of the body; `nil` for streams that have no end of their own.
    public var timeout: Duration?
    /// The longest time from the call to the end of the response head; `nil` leaves it to ``timeout``.
    public var headTimeout: Duration?
    /// Whether the request gets a new connection, which is closed after it, instead of one that is there already.
    public var usesOwnConnection: Bool
    /// The address, or the name, to connect to instead of the URL's host, at the same port; TLS and `Host` are the URL's.
    public var connectAddress: String?
    /// A body that is sent while it is being made, in place of ``body``. While it flows, ``headTimeout`` begins anew with every
    /// part of it.
    public var upload: TransportUpload?
    /// Whether the target goes out byte for byte as `head.path` has it, and no field is added but those of HTTP itself: for
    /// requests that are passed on for somebody else. `*` is allowed too, and so is a body of length zero that is declared.
    public var isVerbatim = false
    /// Ends the request from outside.
    public var abort: TransportAbort?
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

/// Ends one request from outside of the task that sent it.
///
/// It is for whoever learns in a callback that nobody wants the answer any more, where the task cannot be cancelled.
public final class TransportAbort: Sendable {
    private struct State {
        var isAborted = false
        var action: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    public init() {}

    /// True once the request was ended this way.
    public var isAborted: Bool { state.withLock { $0.isAborted } }

    /// Ends the request, now or once it is sent; the second call does nothing.
    public func abort() {
        let action = state.withLock { state in
            state.isAborted = true
            return state.action.take()
        }
        action?()
    }

    /// Says how to end the request. A transport calls this when the request is sent, and with `nil` when it is over.
    public func whenAborted(_ action: (@Sendable () -> Void)?) {
        let isAborted = state.withLock { state in
            state.action = state.isAborted ? nil : action
            return state.isAborted
        }
        if isAborted { action?() }
    }
}
