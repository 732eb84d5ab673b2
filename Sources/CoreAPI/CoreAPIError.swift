internal import HTTPTransport
internal import HTTPTypes

/// The reason why the core API did not carry out a request.
///
/// The messages contain neither credentials nor text from the core API's response, which may contain them.
public struct CoreAPIError: Error, Hashable, CustomStringConvertible {
    /// The kind of error, coarse enough to be a metric label.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The bearer token is invalid or has expired (401).
        case unauthorized
        /// The user is not allowed to do this (403).
        case forbidden
        /// There is no such run, or the user may not know of it (404).
        case notFound = "not_found"
        /// The core API has no such route, or not for this method (405).
        case noSuchRoute = "no_such_route"
        /// The core API refuses the request itself (any other 4xx); sending it again would not help.
        case rejected
        /// The core API cannot be reached, is overloaded, or has an internal error (429, 5xx, no response). Trying
        /// again later may help.
        case unavailable
        /// The response is not from the core API: a redirect, or a body that is not the expected JSON.
        case unintelligible
        /// The caller disconnected before there was a response. This is not an error of the core API.
        case cancelled
    }

    public let kind: Kind
    /// One sentence for a log or an error body.
    public let message: String
    /// When to try again, if the core API said so; at most an hour.
    public let retryAfter: Duration?

    public init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.message = message
        self.retryAfter = retryAfter
    }

    public var description: String { "\(kind.rawValue): \(message)" }
}

extension CoreAPIError {
    /// The error for a response that is not a success.
    init(_ head: HTTPResponse) {
        let code = head.status.code
        let message = "the core API answered \(code)"
        switch code {
        case 401: self.init(.unauthorized, message)
        case 403: self.init(.forbidden, message)
        case 404: self.init(.notFound, message)
        case 405: self.init(.noSuchRoute, message)
        case 429, 500...599: self.init(.unavailable, message, retryAfter: head.headerFields.retryAfterDuration)
        case 400...499: self.init(.rejected, message)
        default: self.init(.unintelligible, message)
        }
    }

    /// The error for a missing or incomplete response.
    ///
    /// The transport's own message is omitted: it contains the host and the path, which not every caller should see.
    init(_ error: TransportError) {
        switch error.kind {
        case .cancelled: self = .cancelled
        case .bodyTooLarge: self.init(.unintelligible, "the core API's response is too long")
        default: self.init(.unavailable, "the core API cannot be reached (\(error.kind.rawValue))")
        }
    }

    static let cancelled = CoreAPIError(.cancelled, "the request to the core API was cancelled")
}
