public import PreviewDomain

/// Says whether a run is a user's own.
public protocol RunAuthority: Sendable {
    /// - Throws: ``AccessDenied`` when the run is not the caller's, or when that cannot be told.
    func requireOwnership(of run: RunID, by caller: Caller) async throws(AccessDenied)
}
