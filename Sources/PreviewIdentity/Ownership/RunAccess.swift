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

/// What a caller can want of a run.
public enum RunAction: String, Hashable, Sendable, CaseIterable {
    /// Start a preview without asking anybody.
    case start
    /// Ask for a preview, which a human may have to approve.
    case startAsAgent
    case keepAlive
    case list
    case stop
    /// Approve, deny, or switch automatic approval.
    case decide
    /// Read the pending and recent approvals.
    case readApprovals
    /// Follow what happens to the run's previews.
    case readTimeline

    /// Whether the run's agent may do it.
    var isForAgents: Bool {
        switch self {
        case .startAsAgent, .readApprovals: true
        case .start, .keepAlive, .list, .stop, .decide, .readTimeline: false
        }
    }

    /// Whether it changes nothing, so that everybody may do it who may see the run.
    var isLooking: Bool {
        switch self {
        case .list, .readApprovals, .readTimeline: true
        case .start, .startAsAgent, .keepAlive, .stop, .decide: false
        }
    }
}

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

/// Knows whose a run is, from what the platform wrote in the cluster.
public protocol RunOwners: Sendable {
    /// The owner as the platform names it; `nil` when nothing says whose the run is, or whether there is such a run.
    ///
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` when the cluster cannot be asked.
    func owner(of run: RunID) async throws(AccessDenied) -> String?
}

/// Judges by the owner that the platform wrote on the run's claim.
public struct ClaimAuthority: RunAuthority {
    /// How long a known owner is relied on.
    public static let lifetime = Duration.seconds(10)
    /// How long it is relied on that nothing says whose a run is: a claim may just be about to appear.
    public static let unknownLifetime = Duration.seconds(1)
    /// The most runs whose owners are kept.
    public static let maxCachedRuns = 4096

    private let owners: any RunOwners
    private let known: ExpiringCache<RunID, String?>

    /// - Parameter uptime: The time since some fixed instant.
    public init(owners: any RunOwners, uptime: @escaping @Sendable () -> Duration) {
        self.owners = owners
        known = ExpiringCache(maxEntries: Self.maxCachedRuns, uptime: uptime)
    }

    public func relation(of caller: Caller, to run: RunID) async throws(AccessDenied) -> RunRelation {
        guard let owner = try await owner(of: run), caller.names.contains(owner) else {
            throw AccessDenied(
                .forbidden,
                "This run is not yours, or nothing says whose it is. Only its owner and operators may do this."
            )
        }
        return .owner
    }

    private func owner(of run: RunID) async throws(AccessDenied) -> String? {
        if let owner = known[run] { return owner }
        let owner = try await owners.owner(of: run)
        known.insert(owner, for: run, lifetime: owner == nil ? Self.unknownLifetime : Self.lifetime)
        return owner
    }
}
