public import PreviewDomain

/// Decides what a caller may do with a run.
///
/// A run's owner and operators may do everything. The service identity acts for the run's agent: it may ask for a
/// preview and follow its own request, and decides nothing.
public struct RunAccess: Sendable {
    private let authority: any RunAuthority

    /// - Parameter authority: Says whether a run is a user's own.
    public init(_ authority: any RunAuthority) {
        self.authority = authority
    }

    /// - Throws: ``AccessDenied`` when the caller may not, and when it cannot be told whether it may.
    public func authorize(
        _ caller: Caller,
        to action: RunAction,
        on run: RunID
    ) async throws(AccessDenied) {
        switch caller.role {
        case .operator: break
        case .service:
            guard action.isForAgents else {
                throw AccessDenied(
                    .forbidden,
                    """
                    The service identity acts for the run's agent: it may ask for a preview and follow its request. \
                    This needs the run's owner, who is a human, or an operator.
                    """
                )
            }
        case .user, .unverified: try await authority.requireOwnership(of: run, by: caller)
        }
    }
}
