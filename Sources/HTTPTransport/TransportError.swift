/// Why a request got no complete response.
public struct TransportError: Error, Hashable, CustomStringConvertible {
    /// What went wrong, coarse enough to be a metric label and to decide whether a retry is safe.
    public enum Kind: String, Sendable, CaseIterable {
        /// No connection: name resolution, refusal, unreachable network, proxy. The request was not sent.
        case connect
        /// The TLS handshake failed, for example because the peer's certificate is not trusted. The request was not sent.
        case tls
        /// The peer refused the request without acting on it, or the connection ended before the request was sent, and so
        /// did the other connections that were tried.
        case refused
        /// A time limit of the request passed. The server may have acted on it.
        case timedOut = "timed_out"
        /// The calling task was cancelled, or the transport was shut down.
        case cancelled
        /// The peer broke the protocol or closed the connection too early. The server may have acted on the request.
        case protocolViolation = "protocol"
        /// The body was longer than the caller accepts.
        case bodyTooLarge = "body_too_large"
        /// The request itself cannot be sent, for example because its URL is malformed.
        case invalidRequest = "invalid_request"
    }

    /// What exactly failed before the request was sent, where that is known.
    public enum Cause: String, Hashable, Sendable, CaseIterable {
        /// The host's name could not be resolved.
        case name
        case certificateExpired = "certificate_expired"
        /// The certificate is for other names than the host's.
        case certificateName = "certificate_name"
        /// No trusted authority has issued the certificate.
        case certificateUntrusted = "certificate_untrusted"
    }

    public let kind: Kind
    /// What exactly failed before the request was sent; `nil` where ``kind`` says all that is known.
    public let cause: Cause?
    /// One sentence for a log. It never holds header values or bodies.
    public let message: String
    /// True where a time limit passed, be it that of the request or that of making its connection.
    public let isTimeout: Bool

    /// - Parameter isTimeout: Whether a time limit passed, where `kind` does not say so.
    public init(_ kind: Kind, _ message: String, cause: Cause? = nil, isTimeout: Bool = false) {
        self.kind = kind
        self.cause = cause
        self.message = message
        self.isTimeout = isTimeout || kind == .timedOut
    }

    /// True when the server has certainly not acted on the request, so that even a create may be sent again.
    public var requestHadNoEffect: Bool { kind.meansNoEffect }

    public var description: String { "\(kind.rawValue): \(message)" }
}

extension TransportError.Kind {
    /// True when the server has certainly not acted on the request, so that even a create may be sent again.
    public var meansNoEffect: Bool {
        switch self {
        case .connect, .tls, .refused, .invalidRequest: true
        case .timedOut, .cancelled, .protocolViolation, .bodyTooLarge: false
        }
    }
}
