public import PreviewDomain

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
