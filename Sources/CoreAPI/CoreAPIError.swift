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
