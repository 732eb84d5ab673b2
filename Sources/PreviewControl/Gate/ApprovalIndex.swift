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
        var watchers: [String: [Int: AsyncStream<ClaimRecord?>.Continuation]] = [:]
        var nextWatcher = 0
    }

    private let state = Mutex(State())
    /// Raised when something may expire earlier than was known.
    let changed = ChangeSignal()

    public init() {}

    // MARK: Writing

    /// Takes one step of the feed.
    public func apply(_ change: ApprovalChange) {
        let woken = state.withLock { state -> [(AsyncStream<ClaimRecord?>.Continuation, ClaimRecord?)] in
            switch change {
            case .claimsReplaced(let claims):
                state.claims = Dictionary(claims.map { ($0.identity.name, Shared($0)) }) { _, last in last }
                state.fresh.insert(.claims)
                for claim in claims { state.schedule(claim) }
                return state.everybody()
            case .claimApplied(let claim):
                state.claims[claim.identity.name] = Shared(claim)
                state.schedule(claim)
                return state.watchers(of: claim.identity.name)
            case .claimDeleted(let identity):
                guard state.claims[identity.name]?.value.identity == identity else { return [] }
                state.claims[identity.name] = nil
                return state.watchers(of: identity.name)
            case .commonGrantsApplied(let grants):
                state.commonGrants = grants
                state.fresh.insert(.commonGrants)
                return state.everybody()
            case .interrupted(let collection):
                state.fresh.remove(collection)
                return []
            case .resumed(let collection):
                state.fresh.insert(collection)
                return []
            }
        }
        for (continuation, claim) in woken { continuation.yield(claim) }
        changed.raise()
    }

    // MARK: Reading

    /// The claim of that name; nil when there is none, or the copy is not up to date.
    func claim(named name: String) -> ClaimRecord? {
        state.withLock { $0.fresh.contains(.claims) ? $0.claims[name]?.value : nil }
    }

    /// The standing grants for every run; nil when the copy is not up to date.
    func commonGrants() -> StandingGrants? {
        state.withLock { $0.fresh.contains(.commonGrants) ? $0.commonGrants : nil }
    }

    /// The claim as it is and then as it becomes; nil stands for its absence. Of several changes that were not taken
    /// in time, the last is delivered.
    func updates(ofClaimNamed name: String) -> AsyncStream<ClaimRecord?> {
        let (stream, continuation) = AsyncStream.makeStream(of: ClaimRecord?.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[name, default: [:]][state.nextWatcher] = continuation
            if state.fresh.contains(.claims) { continuation.yield(state.claims[name]?.value) }
            return state.nextWatcher
        }
        continuation.onTermination = { [weak self] _ in self?.forgetWatcher(id, of: name) }
        return stream
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

    fileprivate func watchers(of name: String) -> [(AsyncStream<ClaimRecord?>.Continuation, ClaimRecord?)] {
        (watchers[name] ?? [:]).values.map { ($0, claims[name]?.value) }
    }

    fileprivate func everybody() -> [(AsyncStream<ClaimRecord?>.Continuation, ClaimRecord?)] {
        watchers.keys.flatMap { watchers(of: $0) }
    }
}
