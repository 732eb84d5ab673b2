public import PreviewDomain

/// A watch over routes, backends, pods and claims.
public protocol ClusterFeed: Sendable {
    /// Delivers the present objects and then every change, until the task is cancelled.
    ///
    /// Changes wait for `handle`; nothing is buffered without bound.
    func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws

    /// Whether the watches over routes, backends and pods prove to be alive.
    ///
    /// Each is made to start again from where it was, so that what it may have missed is delivered now. That costs one
    /// request a watch, however many objects there are.
    ///
    /// - Returns: False when one of them could not prove it: what this feed has delivered must not be relied upon.
    func isAlive() async -> Bool
}

/// One step of a ``ClusterFeed``.
public enum ClusterChange: Sendable {
    /// All objects of one collection: what is not in it does not exist.
    case routesReplaced([Preview])
    case routeApplied(Preview)
    case routeDeleted(PreviewToken)
    case backendsReplaced([PreviewBackend])
    case backendApplied(PreviewBackend)
    case backendDeleted(PreviewToken)
    case podsReplaced([PodIdentity])
    case podApplied(PodIdentity)
    case podDeleted(PodIdentity)
    case claimsReplaced([ClaimIdentity])
    case claimApplied(ClaimIdentity)
    case claimDeleted(ClaimIdentity)
    /// The watch of this collection broke: its objects may be stale until they are replaced or it resumes.
    case interrupted(ClusterCollection)
    /// The watch goes on where it broke, and nothing was missed.
    case resumed(ClusterCollection)
}

public enum ClusterCollection: String, Sendable, CaseIterable {
    case routes
    case backends
    case pods
    case claims
}
