internal import COpenSSL

/// The reason for which a connection has no TLS, or no longer.
public enum TLSFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason for which a handshake failed.
    public enum Handshake: Hashable, Sendable {
        /// No trusted authority has issued the peer's certificate.
        case untrusted
        /// The peer's certificate has expired, or is not valid yet.
        case expired
        /// The peer's certificate is for other names or addresses.
        case wrongName
        /// Anything else: the peer speaks no TLS, supports no common version, refused, or closed the connection.
        case other
    }

    /// The handshake failed; `detail` is libssl's text.
    case handshake(Handshake, detail: String)
    /// The peer violated the protocol or reported an error, after the handshake; `detail` is libssl's text.
    case protocolViolation(detail: String)
    /// The connection ended without the alert `close_notify`, so data may be missing at the end (RFC 8446, 6.1).
    case truncated
    /// libssl rejected a certificate, a key, the authorities or the name of the host.
    case unusable(detail: String)

    /// One sentence for a log line.
    public var description: String {
        switch self {
        case .handshake(.untrusted, let detail): "the peer's certificate is not trusted: \(detail)"
        case .handshake(.expired, let detail): "the peer's certificate is not valid at this time: \(detail)"
        case .handshake(.wrongName, let detail): "the peer's certificate is for another name: \(detail)"
        case .handshake(.other, let detail): "the TLS handshake failed: \(detail)"
        case .protocolViolation(let detail): "the TLS connection failed: \(detail)"
        case .truncated: "the TLS connection ended without an alert, so data may be missing"
        case .unusable(let detail): "TLS cannot be used: \(detail)"
        }
    }
}

/// libssl's text for its last error on this thread, whose errors are removed.
func lastReason() -> String {
    defer { ERR_clear_error() }
    let code = ERR_peek_last_error()
    guard code != 0, let reason = ERR_reason_error_string(code) else { return "libssl reports no reason" }
    return String(cString: reason)
}
