internal import FoundationEssentials
internal import PreviewDomain
internal import Synchronization

/// This replica's copy of all claims' approvals, kept up to date by an ``ApprovalFeed``.
///
/// It may be behind: every write tests what was read here, and what the index does not know is asked of the cluster.
/// Whoever waits for a decision is woken by it, so that waiting costs no request.
public final class ApprovalIndex: Sendable {
    fileprivate struct State {
        var claims: [String: Shared<ClaimRecord>] = [:]
        var commonGrants = StandingGrants()
        var fresh: Set<ApprovalCollection> = []
        var expiries = DeadlineQueue<String>()
        var watchers: [String: [Int: AsyncStream<Void>.Continuation]] = [:]
        var nextWatcher = 0
        var claimActivity = 0
    }

    private let state = Mutex(State())
    /// Raised when something may expire earlier than was known.
    let changed = ChangeSignal()

    public init() {}

    // MARK: Writing

    /// Takes one step of the feed.
    ///
    /// Claims and common grants come from two watches, and so at the same time. Watchers are only told that something has
    /// changed, and read it themselves: so nobody finds an older state after a newer one.
    public func apply(_ change: ApprovalChange) {
        let woken = state.withLock { state -> [AsyncStream<Void>.Continuation] in
            switch change {
            case .claimsReplaced(let claims):
                state.claims = Dictionary(claims.map { ($0.identity.name, Shared($0)) }) { _, last in last }
                state.fresh.insert(.claims)
                state.claimActivity += 1
                for claim in claims { state.schedule(claim) }
                return state.everybody
            case .claimApplied(let claim):
                state.claims[claim.identity.name] = Shared(claim)
                state.claimActivity += 1
                state.schedule(claim)
                return state.watchers(of: claim.identity.name)
            case .claimDeleted(let identity):
                state.claimActivity += 1
                guard state.claims[identity.name]?.value.identity == identity else { return [] }
                state.claims[identity.name] = nil
                return state.watchers(of: identity.name)
            case .commonGrantsApplied(let grants):
                state.commonGrants = grants
                state.fresh.insert(.commonGrants)
                return state.everybody
            case .interrupted(let collection):
                state.fresh.remove(collection)
                return []
            case .resumed(let collection):
                state.fresh.insert(collection)
                if collection == .claims { state.claimActivity += 1 }
                return []
            }
        }
        // Not under the lock: a watcher whose task is cancelled at this moment takes it, under the lock of its task.
        for continuation in woken { continuation.yield() }
        changed.raise()
    }

    // MARK: Reading

    /// The claim of that name; nil when there is none, or the copy is not up to date.
    func claim(named name: String) -> ClaimRecord? {
        state.withLock { $0.fresh.contains(.claims) ? $0.claims[name]?.value : nil }
    }

    /// How often the watch over claims has brought anything: a number that grows is the proof that it is alive.
    var claimActivity: Int { state.withLock { $0.claimActivity } }

    /// The standing grants for every run; nil when the copy is not up to date.
    func commonGrants() -> StandingGrants? {
        state.withLock { $0.fresh.contains(.commonGrants) ? $0.commonGrants : nil }
    }

    /// The claim as it is and then as it becomes; nil stands for its absence. After several changes, and after a change of
    /// the common grants, it is delivered once, as it is then.
    func updates(ofClaimNamed name: String) -> AsyncMapSequence<AsyncStream<Void>, ClaimRecord?> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (id, isKnown) = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[name, default: [:]][state.nextWatcher] = continuation
            return (state.nextWatcher, state.fresh.contains(.claims))
        }
        continuation.onTermination = { [weak self] _ in self?.forgetWatcher(id, of: name) }
        if isKnown { continuation.yield() }
        return stream.map { [self] in state.withLock { $0.claims[name]?.value } }
    }

    private func forgetWatcher(_ id: Int, of name: String) {
        state.withLock { state in
            state.watchers[name]?[id] = nil
            if state.watchers[name]?.isEmpty == true { state.watchers[name] = nil }
        }
    }

    // MARK: Expiry

    /// The next instant at which an approval expires.
    var nextExpiry: Date? { state.withLock { $0.expiries.next } }

    /// Takes out the claims on which an approval has expired.
    func takeExpired(now: Date) -> [ClaimRecord] {
        state.withLock { state in
            state.expiries.takeDue(at: now).compactMap { name in
                guard let claim = state.claims[name]?.value else { return nil }
                guard let expiry = claim.ledger.nextExpiry, expiry <= now else {
                    state.schedule(claim)
                    return nil
                }
                return claim
            }
        }
    }

    /// Looks at a claim again at an instant.
    func retry(_ claim: ClaimRecord, at instant: Date) {
        state.withLock { $0.expiries.schedule(claim.identity.name, at: instant) }
        changed.raise()
    }
}

extension ApprovalIndex.State {
    fileprivate mutating func schedule(_ claim: ClaimRecord) {
        if let expiry = claim.ledger.nextExpiry { expiries.schedule(claim.identity.name, at: expiry) }
    }

    fileprivate func watchers(of name: String) -> [AsyncStream<Void>.Continuation] {
        watchers[name].map { Array($0.values) } ?? []
    }

    fileprivate var everybody: [AsyncStream<Void>.Continuation] { watchers.values.flatMap(\.values) }
}
