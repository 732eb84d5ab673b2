internal import FoundationEssentials
internal import PreviewDomain

/// The approvals on the claims.
///
/// Every write tests what was read here, and anything that the mirror does not know is read from the cluster. A call
/// that waits for a decision is woken by it, so waiting costs no request.
extension ClusterMirror {
    /// The claim of that name; nil if there is none, or the copy is not up to date.
    func claim(named name: String) -> ClaimRecord? {
        read { $0.cluster.fresh.contains(.claims) ? $0.cluster.claimRecord(named: name) : nil }
    }

    /// The claim that is proven to be the run's; nil if there is none, or the copy is not up to date.
    func claim(of run: RunID) -> ClaimRecord? {
        read { $0.cluster.fresh.contains(.claims) ? $0.cluster.claimRecord(of: run) : nil }
    }

    /// The number of changes that the watch on claims has delivered; if it grows, the watch works.
    var claimActivity: Int { read { $0.claimActivity } }

    /// The standing grants for every run; nil if the copy is not up to date.
    func commonGrants() -> StandingGrants? {
        read { state in
            guard state.cluster.fresh.contains(.gateways) else { return nil }
            return state.cluster.gateways.values.first?.grants ?? StandingGrants()
        }
    }

    /// The current state of the claim and then its changes; nil if it does not exist. After several changes, and after
    /// a change of the common grants, the current state is delivered once.
    func updates(ofClaimNamed name: String) -> AsyncMapSequence<AsyncStream<Void>, ClaimRecord?> {
        changes(ofClaimsNamed: [name]).map { [self] in read { $0.cluster.claimRecord(named: name) } }
    }

    /// Same as ``updates(ofClaimNamed:)``, for the claim that is proven to be the run's, whichever of its names it has.
    func updates(ofClaimOf run: RunID) -> AsyncMapSequence<AsyncStream<Void>, ClaimRecord?> {
        changes(ofClaimsNamed: run.claimNames).map { [self] in read { $0.cluster.claimRecord(of: run) } }
    }

    private func changes(ofClaimsNamed names: [String]) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let observation = observe(claimsNamed: names) { continuation.yield() }
        continuation.onTermination = { _ in observation.cancel() }
        return stream
    }

    /// Calls `changed` when the claims are known and whenever one of them has changed.
    ///
    /// - Parameter changed: Called by the writer of the copy. It must not block.
    func observe(claimsNamed names: [String], _ changed: @escaping @Sendable () -> Void) -> Observation {
        let (id, isKnown) = update { state in
            (state.watchers.add(changed, of: names), state.cluster.fresh.contains(.claims))
        }
        if isKnown { changed() }
        return Observation { [weak self] in self?.update { $0.watchers.remove(id, of: names) } }
    }

    /// Calls `changed` whenever the pending requests of a run may have changed.
    ///
    /// - Parameter changed: Called by the writer of the copy. It must not block.
    func observePendingRequests(_ changed: @escaping @Sendable () -> Void) -> Observation {
        let id = update { $0.pendingWatchers.add(changed, of: []) }
        return Observation { [weak self] in self?.update { $0.pendingWatchers.remove(id, of: []) } }
    }

    // MARK: Expiry

    /// The next instant at which an approval expires.
    var nextExpiry: Date? { read { $0.expiries.next } }

    /// Removes and returns the claims on which an approval has expired.
    func takeExpired(now: Date) -> [ClaimRecord] {
        update { state in
            state.expiries.takeDue(at: now).compactMap { name in
                guard let claim = state.cluster.claimRecord(named: name) else { return nil }
                guard let expiry = claim.ledger.nextExpiry, expiry <= now else {
                    state.scheduleExpiry(of: claim)
                    return nil
                }
                return claim
            }
        }
    }

    /// Schedules another check of a claim.
    func retry(_ claim: ClaimRecord, at instant: Date) {
        update { $0.expiries.schedule(claim.identity.name, at: instant) }
    }
}

extension ClusterMirror.State {
    /// Queues the expiries of the claims that have changed.
    ///
    /// - Returns: The waiters for changes of one of them.
    mutating func followClaims(
        _ delta: MirrorDelta,
        _ change: ClusterChange
    ) -> [@Sendable () -> Void] {
        if change.collection == .claims {
            if case .interrupted = change {} else { claimActivity += 1 }
            if case .claims(.replaced(let claims)) = change {
                for claim in claims where !claim.isBeingDeleted { scheduleExpiry(of: claim.record) }
            }
        }
        let pending = delta.changesPendingRequests ? pendingWatchers.all : []
        switch delta.claims {
        case .all: return watchers.all + pending
        case .named(let names):
            for name in names { cluster.claimRecord(named: name).map { scheduleExpiry(of: $0) } }
            return watchers.of(names) + pending
        }
    }

    fileprivate mutating func scheduleExpiry(of claim: ClaimRecord) {
        if let expiry = claim.ledger.nextExpiry { expiries.schedule(claim.identity.name, at: expiry) }
    }
}

/// The waiters for changes of claims, by the names of the claims.
struct ClaimWatchers: Sendable {
    private var watchers: [Int: @Sendable () -> Void] = [:]
    private var ids: [String: Set<Int>] = [:]
    private var next = 0

    var all: [@Sendable () -> Void] { Array(watchers.values) }

    /// Each waiter once, even if several of the names concern it.
    func of(_ names: some Sequence<String>) -> [@Sendable () -> Void] {
        names.reduce(into: Set<Int>()) { $0.formUnion(ids[$1] ?? []) }.compactMap { watchers[$0] }
    }

    mutating func add(_ watcher: @escaping @Sendable () -> Void, of names: [String]) -> Int {
        next += 1
        watchers[next] = watcher
        for name in names { ids[name, default: []].insert(next) }
        return next
    }

    mutating func remove(_ id: Int, of names: [String]) {
        watchers[id] = nil
        for name in names {
            ids[name]?.remove(id)
            if ids[name]?.isEmpty == true { ids[name] = nil }
        }
    }
}
