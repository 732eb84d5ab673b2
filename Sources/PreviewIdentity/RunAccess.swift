public import PreviewDomain

/// Decides what a caller may do with a run.
public struct RunAccess: Sendable {
    public init() {}

    /// - Throws: ``AccessDenied`` when the caller may not.
    public func authorize(
        _ caller: Caller,
        to action: RunAction,
        on run: RunID
    ) async throws(AccessDenied) {
        if caller.role == .service, action == .decide {
            throw AccessDenied(
                .forbidden,
                "The service identity acts for the run's agent and cannot decide about approvals. A human has to."
            )
        }
    }
}

/// Why a caller may not do what it asked for.
public struct AccessDenied: Error, Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case forbidden
        /// There is no such run, or none that this caller may know of.
        case runNotFound = "run_not_found"
        /// Whoever knows the answer cannot be asked right now.
        case unavailable
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
}
