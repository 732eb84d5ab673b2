public import PreviewDomain

/// Decides what a caller may do with a run.
///
/// A run's owner and operators may do everything. Whom the run is only shown to may look. The service identity acts for the run's agent: it may ask for a
/// preview and follow its own request, and decides nothing.
public struct RunAccess: Sendable {
    private let authority: any RunAuthority

    /// - Parameter authority: Says what a user is to a run.
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
        case .user, .unverified:
            guard try await authority.relation(of: caller, to: run) == .owner || action.isLooking else {
                throw AccessDenied(
                    .forbidden,
                    """
                    This run is somebody else's, and you may look at it: this needs the run's owner or an operator. Where \
                    you are the owner, sign in with an access token that says so.
                    """
                )
            }
        }
    }
}
