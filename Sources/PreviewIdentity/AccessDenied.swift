/// Why a caller may not do what it asked for.
public struct AccessDenied: Error, Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The credentials are missing or nobody's.
        case unauthenticated
        case forbidden
        /// There is no such run, or none that this caller may know of.
        case runNotFound = "run_not_found"
        /// Whoever knows the answer cannot be asked right now.
        case unavailable
        /// The caller gave up before there was an answer.
        case cancelled
    }

    public let kind: Kind
    /// One or two sentences without secrets.
    public let message: String
    public let retryAfter: Duration?

    public init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.message = message
        self.retryAfter = retryAfter
    }

    /// What becomes of a request whose caller gave up. As a rule nobody reads it.
    public static let cancelled = AccessDenied(
        .cancelled,
        "The request was cancelled before it was carried out. Send it again.",
        retryAfter: .zero
    )

    /// The one answer to every bad credential: it does not say which, and what was wrong with it.
    public static let unauthenticated = AccessDenied(
        .unauthenticated,
        "This needs valid credentials: send the header 'Authorization: Bearer …' with a token that has not expired."
    )
}
