/// The reason for which a request received no complete response.
public struct TransportError: Error, Hashable, CustomStringConvertible {
    /// The category of the error. Each is a label value of metrics, and determines whether the request may be sent again.
    public enum Kind: String, Sendable, CaseIterable {
        /// No connection: name resolution, refused connection, unreachable network, proxy. The request was not sent.
        case connect
        /// The TLS handshake failed, for example because the peer's certificate is not trusted. The request was not sent.
        case tls
        /// The peer refused the request without processing it, or the connection ended before the request was sent, and the
        /// same happened on the other connections that were tried.
        case refused
        /// A time limit of the request passed. The server may have processed it.
        case timedOut = "timed_out"
        /// The calling task was cancelled, or the transport was shut down.
        case cancelled
        /// The peer violated the protocol or closed the connection too early. The server may have processed the request.
        case protocolViolation = "protocol"
        /// The body is longer than the caller accepts.
        case bodyTooLarge = "body_too_large"
        /// The request cannot be sent, for example because its URL is malformed.
        case invalidRequest = "invalid_request"
    }

    /// The cause of an error before the request was sent.
    public enum Cause: String, Hashable, Sendable, CaseIterable {
        /// The host's name could not be resolved.
        case name
        case certificateExpired = "certificate_expired"
        /// The certificate is not valid for the host's name.
        case certificateName = "certificate_name"
        /// The certificate was not issued by a trusted authority.
        case certificateUntrusted = "certificate_untrusted"
    }

    public let kind: Kind
    /// The cause of an error before the request was sent; `nil` if it is not known more precisely than ``kind``.
    public let cause: Cause?
    /// One sentence for a log. It contains no header values and no bodies.
    public let message: String
    /// Whether a time limit passed: that of the request, or that of making the connection.
    public let isTimeout: Bool

    /// - Parameter isTimeout: Whether a time limit passed; always true for the kind ``Kind/timedOut``.
    public init(_ kind: Kind, _ message: String, cause: Cause? = nil, isTimeout: Bool = false) {
        self.kind = kind
        self.cause = cause
        self.message = message
        self.isTimeout = isTimeout || kind == .timedOut
    }

    public var description: String { "\(kind.rawValue): \(message)" }
}

extension TransportError.Kind {
    /// Whether the server has certainly not processed the request, so that even a create may be sent again.
    public var requestHadNoEffect: Bool {
        switch self {
        case .connect, .tls, .refused, .invalidRequest: true
        case .timedOut, .cancelled, .protocolViolation, .bodyTooLarge: false
        }
    }
}
