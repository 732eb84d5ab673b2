public import PreviewDomain

/// A watch over the claims and the preview Gateway.
public protocol ApprovalFeed: Sendable {
    /// Delivers what is there and then every change, until the task is cancelled.
    ///
    /// Changes wait for `handle`; nothing is buffered without bound.
    func run(_ handle: @escaping @Sendable (ApprovalChange) async -> Void) async throws
}

/// One step of an ``ApprovalFeed``.
public enum ApprovalChange: Sendable {
    /// All claims: what is not among them does not exist.
    case claimsReplaced([ClaimRecord])
    case claimApplied(ClaimRecord)
    case claimDeleted(ClaimIdentity)
    /// The standing grants for every run; none when the Gateway is gone.
    case commonGrantsApplied(StandingGrants)
    /// The watch of this collection broke: the copy may be out of date until it is replaced or the watch resumes.
    case interrupted(ApprovalCollection)
    /// The watch goes on where it broke, and nothing was missed.
    case resumed(ApprovalCollection)
}

public enum ApprovalCollection: String, Sendable, CaseIterable {
    case claims
    case commonGrants
}
