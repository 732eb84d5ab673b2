public import FoundationEssentials
public import PreviewDomain
internal import Synchronization

/// This replica's copy of the cluster's previews, kept up to date by a ``ClusterFeed``.
///
/// It is a copy and never the truth: whoever would do harm by believing it asks the cluster again first. There is one
/// writer, the feed, and any number of readers.
public final class PreviewIndex: Sendable {
    /// What the index can say about one object.
    enum Lookup<Object: Sendable>: Sendable {
        case present(Object)
        case absent
        /// The watch has not delivered this collection yet, or is broken.
        case unknown
    }

    /// What the reaper looks at when its instant has come.
    enum Key: Hashable, Sendable {
        case route(PreviewToken)
        case backend(PreviewToken)
    }

    fileprivate struct State {
        var routes: [PreviewToken: Preview] = [:]
        var tokensByPodUID = TokensByOwner()
        var tokensByClaimUID = TokensByOwner()
        var backends: [PreviewToken: PreviewBackend] = [:]
        var podUIDs: Set<CompactText> = []
        /// Filled only where previews end with their run's claim, as ``tokensByClaimUID`` is.
        var claimUIDs: Set<CompactText> = []
        var fresh: Set<ClusterCollection> = []
        var ended = EndedPreviews()
        var endedTokens = EndedTokens()
        var deadlines = DeadlineQueue<Key>()
    }

    private let state = Mutex(State())
    private let judge: ReapJudge
    private let spread: @Sendable (PreviewToken) -> Double
    private let idleFrom: @Sendable (PreviewToken, Date) -> Date
    /// Raised when something is due earlier than what was to be looked at next.
    let hasEarlierDeadline = ChangeSignal()

    /// How long after its instant an object may be looked at. Each replica picks its own moment within that time, so
    /// that of several the first one mostly has deleted an object before the others look.
    static let maxSpread = Duration.milliseconds(180)

    /// - Parameters:
    ///   - spread: Returns a number in 0..<1 for a preview, always the same one, and another in other replicas.
    ///   - idleFrom: Says, for the API server's present time, from which instant on a preview's expiry counts.
    public init(
        policy: PreviewPolicy,
        spread: @escaping @Sendable (PreviewToken) -> Double = PreviewIndex.randomSpread,
        idleFrom: @escaping @Sendable (PreviewToken, Date) -> Date = { _, _ in .distantPast }
    ) {
        judge = ReapJudge(policy: policy)
        self.spread = spread
        self.idleFrom = idleFrom
    }

    /// Whether it matters to a preview that its run's claim exists.
    private var followsClaims: Bool { !judge.policy.lifetime.keepsAfterRun }

    /// Swift seeds its hashes at random in every process, so that they are different in every replica.
    public static let randomSpread: @Sendable (PreviewToken) -> Double = { token in
        Double(UInt32(truncatingIfNeeded: token.hashValue)) / 0x1p32
    }

    // MARK: Writing

    /// Takes one step of the feed.
    ///
    /// - Parameter now: The API server's time where it is known. What is due already is looked at within
    ///   ``maxSpread`` of it.
    public func apply(_ change: ClusterChange, now: Date? = nil) {
        changeDeadlines { state in
            switch change {
            case .routesReplaced(let previews):
                let known = Set(previews.map(\.token))
                for token in state.routes.keys where !known.contains(token) { state.removeRoute(token) }
                for preview in previews { state.putRoute(preview, followsClaims: followsClaims) }
                state.fresh.insert(.routes)
                scheduleAll(now, &state)
            case .routeApplied(let preview):
                state.putRoute(preview, followsClaims: followsClaims)
                schedule(preview, now, &state)
            case .routeDeleted(let token):
                if state.routes[token] != nil { state.ended.insert(token.fingerprint, .seen(now ?? .distantPast)) }
                state.removeRoute(token)
                if let backend = state.backends[token] { schedule(backend, now, &state) }
            case .backendsReplaced(let backends):
                state.backends = Dictionary(backends.map { ($0.token, $0) }) { _, last in last }
                state.fresh.insert(.backends)
                scheduleAll(now, &state)
            case .backendApplied(let backend):
                state.backends[backend.token] = backend
                schedule(backend, now, &state)
            case .backendDeleted(let token):
                state.backends[token] = nil
                if let preview = state.routes[token] { schedule(preview, now, &state) }
            case .podsReplaced(let pods):
                state.podUIDs = Set(pods.map(\.compactUID))
                state.fresh.insert(.pods)
                scheduleAll(now, &state)
            case .podApplied(let pod):
                state.podUIDs.insert(pod.compactUID)
            case .podDeleted(let pod):
                state.podUIDs.remove(pod.compactUID)
                scheduleAll(state.tokensByPodUID[pod.compactUID], now, &state)
            case .claimsReplaced(let claims):
                if followsClaims { state.claimUIDs = Set(claims.map(\.compactUID)) }
                state.fresh.insert(.claims)
                scheduleAll(now, &state)
            case .claimApplied(let claim):
                if followsClaims { state.claimUIDs.insert(claim.compactUID) }
            case .claimDeleted(let claim):
                state.claimUIDs.remove(claim.compactUID)
                scheduleAll(state.tokensByClaimUID[claim.compactUID], now, &state)
            case .interrupted(let collection):
                state.fresh.remove(collection)
            case .resumed(let collection):
                state.fresh.insert(collection)
                scheduleAll(now, &state)
            }
        }
    }

    /// Wakes who waits for the next deadline where `change` brings an earlier one.
    private func changeDeadlines<Result: Sendable>(_ change: (inout State) -> Result) -> Result {
        let (result, isEarlier) = state.withLock { state in
            let before = state.deadlines.next
            let result = change(&state)
            return (result, state.deadlines.next.isEarlier(than: before))
        }
        if isEarlier { hasEarlierDeadline.raise() }
        return result
    }

    // MARK: Reading

    /// True once all collections have arrived and their watches are unbroken.
    public var isFresh: Bool {
        state.withLock { $0.fresh.count == ClusterCollection.allCases.count }
    }

    /// True while routes, backends and pods are known: what a sweep needs.
    var isComplete: Bool { state.withLock { $0.isComplete } }

    func route(_ token: PreviewToken) -> Lookup<Preview> {
        state.withLock { state in
            guard state.fresh.contains(.routes) else { return .unknown }
            return state.routes[token].map(Lookup.present) ?? .absent
        }
    }

    func backend(_ token: PreviewToken) -> Lookup<PreviewBackend> {
        state.withLock { state in
            guard state.fresh.contains(.backends) else { return .unknown }
            return state.backends[token].map(Lookup.present) ?? .absent
        }
    }

    /// What was last seen of a route, whether or not its watch is in order.
    @Sendable func knownRoute(_ token: PreviewToken) -> Preview? { state.withLock { $0.routes[token] } }

    /// What was last seen of a Service, whether or not its watch is in order.
    @Sendable func knownBackend(_ token: PreviewToken) -> PreviewBackend? { state.withLock { $0.backends[token] } }

    /// How many previews there are; `nil` when they are not known.
    public var previewCount: Int? { state.withLock { $0.fresh.contains(.routes) ? $0.routes.count : nil } }

    /// All routes, or `nil` when they are not known well enough to be counted.
    func routes() -> [Preview]? {
        state.withLock { $0.fresh.contains(.routes) ? Array($0.routes.values) : nil }
    }

    /// The previews of one run; `nil` when they are not known well enough.
    func routes(of run: RunLabel) -> [Preview]? {
        state.withLock { $0.fresh.contains(.routes) ? $0.routes.values.filter { $0.run == run } : nil }
    }

    /// Remembers that a preview was stopped, before the watch tells.
    func noteStop(of token: PreviewToken) { state.withLock { $0.ended.insert(token.fingerprint, .stopped) } }

    /// How the preview with that fingerprint ended, where this replica knows. No token is minted twice, so it stays so. A
    /// list that does not have it proves nothing: it may be an old one.
    func end(of fingerprint: String) -> EndedPreviews.End? { state.withLock { $0.ended[fingerprint] } }

    /// The UIDs of the claims that exist, or `nil` when they are not known well enough, or do not matter.
    func claimUIDs() -> Set<String>? {
        guard followsClaims else { return nil }
        return state.withLock { $0.fresh.contains(.claims) ? Set($0.claimUIDs.map(\.text)) : nil }
    }

    // MARK: What is over

    /// Notes that no start of this preview can be under way: what is left of it once its route is gone needs no grace.
    ///
    /// - Parameter instant: When to look at its Service.
    func noteEnd(of token: PreviewToken, lookAt instant: Date) {
        changeDeadlines { state in
            state.endedTokens.insert(token)
            state.deadlines.schedule(.backend(token), at: instant)
        }
    }

    /// Whether ``noteEnd(of:lookAt:)`` was called within the last sweep interval.
    @Sendable func isEnded(_ token: PreviewToken) -> Bool { state.withLock { $0.endedTokens.contains(token) } }

    /// Forgets what was noted before the last call of this.
    func forgetOldEnds() { state.withLock { $0.endedTokens.forgetOld() } }

    // MARK: Deadlines

    /// The next instant at which something has to be looked at.
    var nextDeadline: Date? {
        state.withLock { $0.deadlines.next }
    }

    /// Takes out what is to be looked at, the earliest first.
    func takeDue(now: Date) -> [Key] {
        state.withLock { $0.deadlines.takeDue(at: now) }
    }

    /// Judges what was taken out, as late as possible: another replica may have deleted it, a keepalive saved it. What is
    /// kept is queued again.
    func order(for key: Key, now: Date) -> ReapOrder? {
        changeDeadlines { state in
            switch judgement(of: key, now: now, state) {
            case .keep(let until)?:
                state.deadlines.schedule(key, at: max(until, now + Self.shortestRecheck))
                return nil
            case .reap(let order)?:
                return order
            case nil:
                return nil
            }
        }
    }

    /// Judges everything: the sweep.
    ///
    /// - Returns: What is to be deleted; `nil` when routes, backends or pods are not known well enough.
    func allDue(now: Date?) -> [Key]? {
        state.withLock { state in
            guard state.isComplete else { return nil }
            var due: [Key] = []
            var pairs = 0
            for preview in state.routes.values {
                let hasBackend = state.backends.index(forKey: preview.token) != nil
                if hasBackend { pairs += 1 }
                let judgement = judgement(of: preview, hasBackend: hasBackend, now: now, state)
                if case .reap = judgement { due.append(.route(preview.token)) }
            }
            // A Service that has its route is kept as long as that is, which is the case of nearly all.
            guard pairs < state.backends.count else { return due }
            for backend in state.backends.values {
                if case .reap = judgement(of: backend, now: now, state) { due.append(.backend(backend.token)) }
            }
            return due
        }
    }

    /// Queues again what was taken out and could not be dealt with.
    func retry(_ key: Key, at instant: Date) {
        changeDeadlines { $0.deadlines.schedule(key, at: instant) }
    }

    /// The shortest time after which something that was kept is looked at again. Without it, an object that is due
    /// but may not be touched yet would be looked at without a pause.
    private static let shortestRecheck = Duration.milliseconds(50)

    private func judgement(of key: Key, now: Date, _ state: State) -> ReapJudge.Judgement? {
        switch key {
        case .route(let token):
            guard let preview = state.routes[token] else { return nil }
            return judgement(of: preview, now: now, state)
        case .backend(let token):
            guard let backend = state.backends[token] else { return nil }
            return judgement(of: backend, now: now, state)
        }
    }

    private func judgement(of backend: PreviewBackend, now: Date?, _ state: State) -> ReapJudge.Judgement {
        let hasRoute = state.fresh.contains(.routes) ? state.routes.index(forKey: backend.token) != nil : nil
        return judge.judge(backend, hasRoute: hasRoute, isEnded: state.endedTokens.contains(backend.token), now: now)
    }

    private func judgement(of preview: Preview, now: Date?, _ state: State) -> ReapJudge.Judgement {
        let hasBackend = state.fresh.contains(.backends) ? state.backends.index(forKey: preview.token) != nil : nil
        return judgement(of: preview, hasBackend: hasBackend, now: now, state)
    }

    private func judgement(
        of preview: Preview,
        hasBackend: Bool?,
        now: Date?,
        _ state: State
    ) -> ReapJudge.Judgement {
        judge.judge(
            preview,
            pod: state.presence(ofPodOf: preview),
            claim: followsClaims ? state.presence(ofClaimOf: preview) : .unknown,
            hasBackend: hasBackend,
            now: now,
            idleFrom: idleFrom
        )
    }

    private func schedule(_ preview: Preview, _ now: Date?, _ state: inout State) {
        // Whether idleness counts is asked when its instant has come: that may change at any time.
        schedule(.route(preview.token), judgement(of: preview, now: nil, state), now, &state)
    }

    private func schedule(_ backend: PreviewBackend, _ now: Date?, _ state: inout State) {
        schedule(.backend(backend.token), judgement(of: backend, now: nil, state), now, &state)
    }

    private func schedule(_ key: Key, _ judgement: ReapJudge.Judgement, _ now: Date?, _ state: inout State) {
        let instant = max(judgement.nextLook, now ?? .distantPast)
        state.deadlines.schedule(key, at: instant + Self.maxSpread * spread(key.token))
    }

    private func scheduleAll(_ tokens: [PreviewToken], _ now: Date?, _ state: inout State) {
        for token in tokens {
            if let preview = state.routes[token] { schedule(preview, now, &state) }
        }
    }

    private func scheduleAll(_ now: Date?, _ state: inout State) {
        for preview in state.routes.values { schedule(preview, now, &state) }
        for backend in state.backends.values { schedule(backend, now, &state) }
    }
}

extension PreviewIndex.Key {
    var token: PreviewToken {
        switch self {
        case .route(let token), .backend(let token): token
        }
    }
}

extension PreviewIndex.State {
    fileprivate var isComplete: Bool { fresh.isSuperset(of: [.routes, .backends, .pods]) }

    fileprivate mutating func putRoute(_ preview: Preview, followsClaims: Bool) {
        removeRoute(preview.token)
        routes[preview.token] = preview
        tokensByPodUID.insert(preview.token, of: preview.compactPodUID)
        if followsClaims { tokensByClaimUID.insert(preview.token, of: preview.compactClaimUID) }
    }

    fileprivate mutating func removeRoute(_ token: PreviewToken) {
        guard let old = routes.removeValue(forKey: token) else { return }
        tokensByPodUID.remove(token, of: old.compactPodUID)
        tokensByClaimUID.remove(token, of: old.compactClaimUID)
    }

    fileprivate func presence(ofPodOf preview: Preview) -> Presence {
        guard let uid = preview.compactPodUID, fresh.contains(.pods) else { return .unknown }
        return podUIDs.contains(uid) ? .present : .gone
    }

    fileprivate func presence(ofClaimOf preview: Preview) -> Presence {
        // Without the run's id the claim's name is not known, and nobody could ask whether it is gone.
        guard let uid = preview.compactClaimUID, preview.runID != nil, fresh.contains(.claims) else { return .unknown }
        return claimUIDs.contains(uid) ? .present : .gone
    }
}

extension Preview {
    /// - Parameter uids: The UIDs of the claims that exist; `nil` when they are not known.
    func presence(ofClaimAmong uids: Set<String>?) -> Presence {
        guard let uids, let claim else { return .unknown }
        return uids.contains(claim.uid) ? .present : .gone
    }
}
