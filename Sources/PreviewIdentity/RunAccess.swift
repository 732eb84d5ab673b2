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
