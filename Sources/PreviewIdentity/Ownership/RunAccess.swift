public import PreviewDomain

/// Decides what a caller may do with a run.
///
/// A run's owner and operators may do everything. Viewers may read. The service identity acts for the run's agent: it
/// may request a preview and follow its own request, and cannot decide.
public struct RunAccess: Sendable {
    private let authority: any RunAuthority

    /// - Parameter authority: Determines the relation of a user to a run.
    public init(_ authority: any RunAuthority) {
        self.authority = authority
    }

    /// - Throws: ``AccessDenied`` if the caller is not allowed, or if this cannot be determined.
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
                    The service identity acts for the run's agent: it may request a preview and follow its request. \
                    Only the run's owner, who is a human, and operators may do this.
                    """
                )
            }
        case .user, .unverified:
            guard try await authority.relation(of: caller, to: run) == .owner || action.isReadOnly else {
                throw AccessDenied(
                    .forbidden,
                    """
                    You may view this run, but only its owner and operators may do this. If you are the owner, sign in \
                    with an access token that identifies you as the owner.
                    """
                )
            }
        }
    }
}

/// An action of a caller on a run.
public enum RunAction: String, Hashable, Sendable, CaseIterable {
    /// Start a preview without approval.
    case start
    /// Request a preview, which a human may have to approve.
    case startAsAgent
    case keepAlive
    case list
    case stop
    /// Approve, deny, or change the auto-approve option.
    case decide
    /// Read the pending and recent approvals.
    case readApprovals
    /// Follow the events of the run's previews.
    case readTimeline

    /// Whether the run's agent may do it.
    var isForAgents: Bool {
        switch self {
        case .startAsAgent, .readApprovals: true
        case .start, .keepAlive, .list, .stop, .decide, .readTimeline: false
        }
    }

    /// Whether it changes nothing, so that every user who may see the run may do it.
    var isReadOnly: Bool {
        switch self {
        case .list, .readApprovals, .readTimeline: true
        case .start, .startAsAgent, .keepAlive, .stop, .decide: false
        }
    }
}

/// Determines the relation of a user to a run.
public protocol RunAuthority: Sendable {
    /// - Throws: ``AccessDenied`` if there is no relation, or if it cannot be determined.
    func relation(of caller: Caller, to run: RunID) async throws(AccessDenied) -> RunRelation
}

/// The relation of a user to a run.
public enum RunRelation: Hashable, Sendable {
    /// The user owns the run.
    case owner
    /// Another user owns the run, and this user may see it.
    case viewer
}

/// Reads the owners of runs, which the platform wrote in the cluster.
public protocol RunOwners: Sendable {
    /// The owner as the platform names it; `nil` if none is recorded, or the run does not exist.
    ///
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` if the cluster cannot be read.
    func owner(of run: RunID) async throws(AccessDenied) -> String?
}

/// Decides by the owner that the platform wrote on the run's claim.
public struct ClaimAuthority: RunAuthority {
    /// How long an owner is cached.
    public static let lifetime = Duration.seconds(10)
    /// How long a missing owner is cached: a claim may be about to appear.
    public static let unknownLifetime = Duration.seconds(1)
    /// The largest number of cached owners.
    public static let maxCachedRuns = 4096

    private let owners: any RunOwners
    private let cache: ExpiringCache<RunID, String?>

    /// - Parameter uptime: The time since some fixed instant.
    public init(owners: any RunOwners, uptime: @escaping @Sendable () -> Duration) {
        self.owners = owners
        cache = ExpiringCache(maxEntries: Self.maxCachedRuns, uptime: uptime)
    }

    public func relation(of caller: Caller, to run: RunID) async throws(AccessDenied) -> RunRelation {
        guard let owner = try await owner(of: run), caller.names.contains(owner) else {
            throw AccessDenied(
                .forbidden,
                "You do not own this run, or its owner is unknown. Only its owner and operators may do this."
            )
        }
        return .owner
    }

    private func owner(of run: RunID) async throws(AccessDenied) -> String? {
        if let owner = cache[run] { return owner }
        let owner = try await owners.owner(of: run)
        cache.insert(owner, for: run, lifetime: owner == nil ? Self.unknownLifetime : Self.lifetime)
        return owner
    }
}
