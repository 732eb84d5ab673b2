internal import HTTPTransport
internal import HTTPTypes

/// Why the core API did not do what it was asked to.
///
/// The messages name neither credentials nor what the core API wrote in its answer, which may quote them.
public struct CoreAPIError: Error, Hashable, CustomStringConvertible {
    /// What went wrong, coarse enough to be a metric label.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The bearer is nobody's, or has expired (401).
        case unauthorized
        /// The bearer's user may not do this (403).
        case forbidden
        /// There is no such run, or none that the bearer's user may know of (404).
        case notFound = "not_found"
        /// The core API has no such route, or not for this method (405).
        case noSuchRoute = "no_such_route"
        /// The core API refuses the request itself (any other 4xx); sending it again would not help.
        case rejected
        /// The core API cannot be reached, is overloaded, or failed inside (429, 5xx, no answer). Later may help.
        case unavailable
        /// What answered does not speak as the core API does: a redirect, or a body that is not the expected JSON.
        case unintelligible
        /// The caller gave up before there was an answer. No fault of the core API.
        case cancelled
    }

    public let kind: Kind
    /// One sentence for a log or an error body.
    public let message: String
    /// When to try again, where the core API said so; at most an hour.
    public let retryAfter: Duration?

    public init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.message = message
        self.retryAfter = retryAfter
    }

    public var description: String { "\(kind.rawValue): \(message)" }
}

extension CoreAPIError {
    /// What a response means that is not a success.
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

    /// What it means that there is no complete response.
    ///
    /// The transport's own words are left out: they name the host and the path, which are the operator's business
    /// and not every caller's.
    init(_ error: TransportError) {
        switch error.kind {
        case .cancelled: self = .cancelled
        case .bodyTooLarge: self.init(.unintelligible, "the core API's answer is longer than is accepted")
        default: self.init(.unavailable, "the core API cannot be reached (\(error.kind.rawValue))")
        }
    }

    static let cancelled = CoreAPIError(.cancelled, "the request to the core API was cancelled")
}
