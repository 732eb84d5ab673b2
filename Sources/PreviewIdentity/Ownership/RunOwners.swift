public import PreviewDomain

/// Knows whose a run is, from what the platform wrote in the cluster.
public protocol RunOwners: Sendable {
    /// The owner as the platform names it; `nil` when nothing says whose the run is, or whether there is such a run.
    ///
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` when the cluster cannot be asked.
    func owner(of run: RunID) async throws(AccessDenied) -> String?
}
