internal import FoundationEssentials
internal import PreviewDomain

/// The approvals on the claims.
///
/// Every write tests what was read here, and what the mirror does not know is asked of the cluster. Whoever waits for a
/// decision is woken by it, so that waiting costs no request.
extension ClusterMirror {
    /// The claim of that name; nil when there is none, or the copy is not up to date.
    func claim(named name: String) -> ClaimRecord? {
        read { $0.cluster.fresh.contains(.claims) ? $0.cluster.claimRecord(named: name) : nil }
    }

    /// The claim that is proven to be the run's; nil when there is none, or the copy is not up to date.
    func claim(of run: RunID) -> ClaimRecord? {
        read { $0.cluster.fresh.contains(.claims) ? $0.cluster.claimRecord(of: run) : nil }
    }

    /// How often the watch over claims has brought anything: a number that grows is the proof that it is alive.
    var claimActivity: Int { read { $0.claimActivity } }

    /// The standing grants for every run; nil when the copy is not up to date.
    func commonGrants() -> StandingGrants? {
        read { state in
            guard state.cluster.fresh.contains(.gateways) else { return nil }
            return state.cluster.gateways.values.first?.grants ?? StandingGrants()
        }
    }

    /// The claim as it is and then as it becomes; nil stands for its absence. After several changes, and after a change of
    /// the common grants, it is delivered once, as it is then.
    func updates(ofClaimNamed name: String) -> AsyncMapSequence<AsyncStream<Void>, ClaimRecord?> {
        changes(ofClaimsNamed: [name]).map { [self] in read { $0.cluster.claimRecord(named: name) } }
    }

    /// As ``updates(ofClaimNamed:)``, of the claim that is proven to be the run's, whichever of its names that has.
    func updates(ofClaimOf run: RunID) -> AsyncMapSequence<AsyncStream<Void>, ClaimRecord?> {
        changes(ofClaimsNamed: run.claimNames).map { [self] in read { $0.cluster.claimRecord(of: run) } }
    }

    private func changes(ofClaimsNamed names: [String]) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let observation = observe(claimsNamed: names) { continuation.yield() }
        continuation.onTermination = { _ in observation.cancel() }
        return stream
    }

    /// Tells that the claims are known, now or once they are, and that one of them has changed.
    ///
    /// - Parameter changed: Called by whoever changes the copy. It must not wait.
    func observe(claimsNamed names: [String], _ changed: @escaping @Sendable () -> Void) -> Observation {
        let (id, isKnown) = update { state in
            (state.watchers.add(changed, of: names), state.cluster.fresh.contains(.claims))
        }
        if isKnown { changed() }
        return Observation { [weak self] in self?.update { $0.watchers.remove(id, of: names) } }
    }

    // MARK: Expiry

    /// The next instant at which an approval expires.
    var nextExpiry: Date? { read { $0.expiries.next } }

    /// Takes out the claims on which an approval has expired.
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

    /// Looks at a claim again at an instant.
    func retry(_ claim: ClaimRecord, at instant: Date) {
        update { $0.expiries.schedule(claim.identity.name, at: instant) }
    }
}

extension ClusterMirror.State {
    /// Queues the expiries of the claims that have changed.
    ///
    /// - Returns: Who waits for one of them.
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
        switch delta.claims {
        case .all: return watchers.all
        case .named(let names):
            for name in names { cluster.claimRecord(named: name).map { scheduleExpiry(of: $0) } }
            return watchers.of(names)
        }
    }

    fileprivate mutating func scheduleExpiry(of claim: ClaimRecord) {
        if let expiry = claim.ledger.nextExpiry { expiries.schedule(claim.identity.name, at: expiry) }
    }
}

/// Who waits for changes of claims, each by the names of the claims that concern it.
struct ClaimWatchers: Sendable {
    private var watchers: [Int: @Sendable () -> Void] = [:]
    private var ids: [String: Set<Int>] = [:]
    private var next = 0

    var all: [@Sendable () -> Void] { Array(watchers.values) }

    /// Each once, whichever of the names concern it.
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
