internal import FoundationEssentials
internal import PreviewDomain
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
        var podUIDs: Set<String> = []
        var claimUIDs: Set<String> = []
        var fresh: Set<ClusterCollection> = []
        var deadlines = DeadlineQueue<Key>()
    }

    private let state = Mutex(State())
    private let judge: ReapJudge
    /// Raised when something may have become due earlier than was known.
    let changed = ChangeSignal()

    public init(policy: PreviewPolicy) {
        judge = ReapJudge(policy: policy)
    }

    // MARK: Writing

    /// Takes one step of the feed.
    public func apply(_ change: ClusterChange) {
        state.withLock { state in
            switch change {
            case .routesReplaced(let previews):
                let known = Set(previews.map(\.token))
                for token in state.routes.keys where !known.contains(token) { state.removeRoute(token) }
                for preview in previews { state.putRoute(preview) }
                state.fresh.insert(.routes)
                scheduleAll(&state)
            case .routeApplied(let preview):
                state.putRoute(preview)
                schedule(preview, &state)
            case .routeDeleted(let token):
                state.removeRoute(token)
                if let backend = state.backends[token] { schedule(backend, &state) }
            case .backendsReplaced(let backends):
                state.backends = Dictionary(backends.map { ($0.token, $0) }) { _, last in last }
                state.fresh.insert(.backends)
                scheduleAll(&state)
            case .backendApplied(let backend):
                state.backends[backend.token] = backend
                schedule(backend, &state)
            case .backendDeleted(let token):
                state.backends[token] = nil
                if let preview = state.routes[token] { schedule(preview, &state) }
            case .podsReplaced(let pods):
                state.podUIDs = Set(pods.map(\.uid))
                state.fresh.insert(.pods)
                scheduleAll(&state)
            case .podApplied(let pod):
                state.podUIDs.insert(pod.uid)
            case .podDeleted(let pod):
                state.podUIDs.remove(pod.uid)
                scheduleAll(state.tokensByPodUID[pod.uid], &state)
            case .claimsReplaced(let claims):
                state.claimUIDs = Set(claims.map(\.uid))
                state.fresh.insert(.claims)
                scheduleAll(&state)
            case .claimApplied(let claim):
                state.claimUIDs.insert(claim.uid)
            case .claimDeleted(let claim):
                state.claimUIDs.remove(claim.uid)
                scheduleAll(state.tokensByClaimUID[claim.uid], &state)
            case .interrupted(let collection):
                state.fresh.remove(collection)
            case .resumed(let collection):
                state.fresh.insert(collection)
                scheduleAll(&state)
            }
        }
        changed.raise()
    }

    // MARK: Reading

    /// True once all collections have arrived and their watches are unbroken.
    public var isFresh: Bool {
        state.withLock { $0.fresh.count == ClusterCollection.allCases.count }
    }

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

    /// All routes, or `nil` when they are not known well enough to be counted.
    func routes() -> [Preview]? {
        state.withLock { $0.fresh.contains(.routes) ? Array($0.routes.values) : nil }
    }

    /// The UIDs of the claims that exist, or `nil` when they are not known well enough.
    func claimUIDs() -> Set<String>? {
        state.withLock { $0.fresh.contains(.claims) ? $0.claimUIDs : nil }
    }

    // MARK: Deadlines

    /// The next instant at which something has to be looked at.
    var nextDeadline: Date? {
        state.withLock { $0.deadlines.next }
    }

    /// Takes out what is due and says what is to be deleted. What turns out not to be due is queued again.
    func takeDue(now: Date) -> [ReapOrder] {
        state.withLock { state in
            state.deadlines.takeDue(at: now).compactMap { key in
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
    }

    /// Queues an order again that could not be carried out.
    func retry(_ order: ReapOrder, at instant: Date) {
        state.withLock { state in
            switch order.target {
            case .route(let preview): state.deadlines.schedule(.route(preview.token), at: instant)
            case .backend(let backend): state.deadlines.schedule(.backend(backend.token), at: instant)
            }
        }
        changed.raise()
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
            return judge.judge(
                backend,
                hasRoute: state.fresh.contains(.routes) ? state.routes[token] != nil : nil,
                now: now
            )
        }
    }

    private func judgement(of preview: Preview, now: Date?, _ state: State) -> ReapJudge.Judgement {
        judge.judge(
            preview,
            pod: state.presence(ofPodOf: preview),
            claim: preview.presence(ofClaimAmong: state.fresh.contains(.claims) ? state.claimUIDs : nil),
            hasBackend: state.fresh.contains(.backends) ? state.backends[preview.token] != nil : nil,
            now: now
        )
    }

    private func schedule(_ preview: Preview, _ state: inout State) {
        state.deadlines.schedule(.route(preview.token), at: judgement(of: preview, now: nil, state).nextLook)
    }

    private func schedule(_ backend: PreviewBackend, _ state: inout State) {
        let hasRoute = state.fresh.contains(.routes) ? state.routes[backend.token] != nil : nil
        let judgement = judge.judge(backend, hasRoute: hasRoute, now: nil)
        state.deadlines.schedule(.backend(backend.token), at: judgement.nextLook)
    }

    private func scheduleAll(_ tokens: Set<PreviewToken>, _ state: inout State) {
        for token in tokens {
            if let preview = state.routes[token] { schedule(preview, &state) }
        }
    }

    private func scheduleAll(_ state: inout State) {
        for preview in state.routes.values { schedule(preview, &state) }
        for backend in state.backends.values { schedule(backend, &state) }
    }
}

extension PreviewIndex.State {
    fileprivate mutating func putRoute(_ preview: Preview) {
        removeRoute(preview.token)
        routes[preview.token] = preview
        tokensByPodUID.insert(preview.token, of: preview.podUID)
        tokensByClaimUID.insert(preview.token, of: preview.claimUID)
    }

    fileprivate mutating func removeRoute(_ token: PreviewToken) {
        guard let old = routes.removeValue(forKey: token) else { return }
        tokensByPodUID.remove(token, of: old.podUID)
        tokensByClaimUID.remove(token, of: old.claimUID)
    }

    fileprivate func presence(ofPodOf preview: Preview) -> Presence {
        guard let uid = preview.podUID, fresh.contains(.pods) else { return .unknown }
        return podUIDs.contains(uid) ? .present : .gone
    }
}

extension Preview {
    /// - Parameter uids: The UIDs of the claims that exist; `nil` when they are not known.
    func presence(ofClaimAmong uids: Set<String>?) -> Presence {
        guard let uids, let claim else { return .unknown }
        return uids.contains(claim.uid) ? .present : .gone
    }
}
