public import PreviewDomain

/// Says what a user is to a run.
public protocol RunAuthority: Sendable {
    /// - Throws: ``AccessDenied`` when the user is nothing to the run, and when that cannot be told.
    func relation(of caller: Caller, to run: RunID) async throws(AccessDenied) -> RunRelation
}

/// What a user is to a run.
public enum RunRelation: Hashable, Sendable {
    /// The run is the user's own.
    case owner
    /// The run is somebody else's, who lets the user see it.
    case viewer
}
