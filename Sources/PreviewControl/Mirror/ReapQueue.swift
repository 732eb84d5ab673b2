internal import FoundationEssentials
internal import HeapModule
internal import PreviewDomain

/// What the reaper checks at an instant.
enum ReapKey: Hashable, Sendable {
    case route(PreviewToken)
    case backend(PreviewToken)

    var token: PreviewToken {
        switch self {
        case .route(let token), .backend(let token): token
        }
    }
}

/// The reaper's schedule and its decisions. Values only: it reads no clock and does no I/O.
struct ReapQueue: Sendable {
    private var deadlines = DeadlineQueue<ReapKey>()
    private var endedTokens = EndedTokens()
    private var precedence = ReapPrecedence()
    /// What is due and left to another replica for a moment: until when, and the reason.
    private var yielded: [ReapKey: (until: Date, reason: ReapReason)] = [:]
    /// Until when new Services are kept whose grace time would end too early for their starts.
    private var heldBackends: [PreviewToken: Date] = [:]
    private let evaluator: ReapEvaluator
    private let spread: @Sendable (PreviewToken) -> Double

    /// The shortest time after which a kept object is checked again. Without it, an object that is due but may not be
    /// deleted yet would be checked without a pause.
    private static let shortestRecheck = Duration.milliseconds(50)

    init(evaluator: ReapEvaluator, spread: @escaping @Sendable (PreviewToken) -> Double) {
        self.evaluator = evaluator
        self.spread = spread
    }

    // MARK: Deadlines

    /// The next instant at which something has to be checked.
    var next: Date? { deadlines.next }

    /// Queues everything that a change concerns.
    ///
    /// - Parameter now: The API server's time, if it is known.
    mutating func follow(_ delta: MirrorDelta, _ cluster: MirrorState, now: Date?) {
        for preview in delta.ended {
            guard let yielded = yielded.removeValue(forKey: .route(preview.token)) else { continue }
            precedence.recordDeletionByOther(for: yielded.reason)
        }
        if let now { hold(delta.createdBackends, now: now) }
        if delta.reevaluatesAll {
            for preview in cluster.routes.values { schedule(.route(preview.token), cluster, now) }
            for backend in cluster.backends.values { schedule(.backend(backend.token), cluster, now) }
        } else {
            for key in delta.keys { schedule(key, cluster, now) }
        }
    }

    /// Keeps new Services for as long as a start may take. Their grace time counts from their `creationTimestamp`, which
    /// is too early if it was written by an API server whose clock is slow.
    private mutating func hold(_ backends: [PreviewBackend], now: Date) {
        let end = now + PreviewPolicy.longestProvisioning
        for backend in backends where backend.createdAt + evaluator.policy.orphanGrace < end {
            heldBackends = heldBackends.filter { now < $0.value }
            heldBackends[backend.token] = end
        }
    }

    mutating func schedule(_ key: ReapKey, at instant: Date) { deadlines.schedule(key, at: instant) }

    mutating func takeDue(now: Date) -> [ReapKey] { deadlines.takeDue(at: now) }

    private mutating func schedule(_ key: ReapKey, _ cluster: MirrorState, _ now: Date?) {
        // Whether idleness counts is evaluated at that instant, because it may change at any time.
        guard let (_, decision) = decision(on: key, now: nil, cluster, { _, _ in .distantPast }) else { return }
        deadlines.schedule(key, at: max(decision.nextCheck, now ?? .distantPast))
    }

    // MARK: Evaluation

    /// Evaluates what was removed from the queue, as late as possible: another replica may have deleted it, or a keepalive
    /// moved its expiry. Kept objects are queued again, and so are those that are left to another replica first.
    ///
    /// - Parameter yields: Whether a deletion may be left to another replica; see ``ReapPrecedence``.
    mutating func dueDeletion(
        for key: ReapKey,
        now: Date,
        yields: Bool,
        _ cluster: MirrorState,
        _ minExpiry: MinExpiry
    ) -> DueDeletion? {
        let wait = yielded.removeValue(forKey: key)
        guard let (target, decision) = decision(on: key, now: now, cluster, minExpiry) else { return nil }
        guard let deletion = DueDeletion(target, decision) else {
            deadlines.schedule(key, at: max(decision.nextCheck, now + Self.shortestRecheck))
            return nil
        }
        guard yields else { return deletion }
        let until = wait?.until ?? now + precedence.delay(for: deletion.reason, share: spread(key.token))
        guard now < until else { return deletion }
        yielded[key] = (until, deletion.reason)
        deadlines.schedule(key, at: until)
        return nil
    }

    /// Processes the result of the deletion of a route.
    mutating func record(_ outcome: ReapOutcome, of deletion: DueDeletion) {
        guard case .route = deletion.target else { return }
        switch outcome {
        case .reaped(let reason): precedence.recordOwnDeletion(for: reason)
        case .alreadyGone: precedence.recordDeletionByOther(for: deletion.reason)
        case .averted, .failed: break
        }
    }

    /// Evaluates everything: the sweep.
    ///
    /// - Returns: The deletions; nil if routes, backends or pods are not known well enough.
    func allDue(now: Date?, _ cluster: MirrorState, _ minExpiry: MinExpiry) -> [ReapKey]? {
        guard cluster.isComplete else { return nil }
        var due: [ReapKey] = []
        var pairs = 0
        for preview in cluster.routes.values {
            let hasBackend = cluster.backends.contains(preview.token)
            if hasBackend { pairs += 1 }
            let decision = decision(on: preview, hasBackend: hasBackend, now: now, cluster, minExpiry)
            if case .reap = decision { due.append(.route(preview.token)) }
        }
        // A Service with a route is kept as long as the route, which is the case for nearly all.
        guard pairs < cluster.backends.count else { return due }
        for backend in cluster.backends.values {
            if case .reap = decision(on: backend, now: now, cluster) { due.append(.backend(backend.token)) }
        }
        return due
    }

    private func decision(
        on key: ReapKey,
        now: Date?,
        _ cluster: MirrorState,
        _ minExpiry: MinExpiry
    ) -> (DueDeletion.Target, ReapDecision)? {
        switch key {
        case .route(let token):
            cluster.routes[token].map { preview in
                let hasBackend = cluster.hasBackend(token)
                return (.route(preview), decision(on: preview, hasBackend: hasBackend, now: now, cluster, minExpiry))
            }
        case .backend(let token):
            cluster.backends[token].map { (.backend($0), decision(on: $0, now: now, cluster)) }
        }
    }

    private func decision(on backend: PreviewBackend, now: Date?, _ cluster: MirrorState) -> ReapDecision {
        let isEnded = endedTokens.contains(backend.token)
        let hasRoute = cluster.hasRoute(backend.token)
        let decision = evaluator.evaluate(backend, hasRoute: hasRoute, isEnded: isEnded, now: now)
        guard case .reap = decision, !isEnded, let now, let end = heldBackends[backend.token], now < end else {
            return decision
        }
        return .keep(until: end, then: .orphan)
    }

    private func decision(
        on preview: Preview,
        hasBackend: Bool?,
        now: Date?,
        _ cluster: MirrorState,
        _ minExpiry: MinExpiry
    ) -> ReapDecision {
        evaluator.evaluate(
            preview,
            pod: cluster.presence(ofPodOf: preview),
            claim: cluster.presence(ofClaimOf: preview),
            hasBackend: hasBackend,
            now: now,
            minExpiry: minExpiry
        )
    }

    // MARK: What is over

    /// Records that no start of this preview can be in progress, so that what is left once its route is gone needs no
    /// grace time.
    ///
    /// - Parameter instant: When to check its Service.
    mutating func recordEnd(of token: PreviewToken, checkAt instant: Date) {
        endedTokens.insert(token)
        deadlines.schedule(.backend(token), at: instant)
    }

    func isEnded(_ token: PreviewToken) -> Bool { endedTokens.contains(token) }

    mutating func forgetOldEnds() { endedTokens.forgetOld() }
}

/// The schedule of checks, earliest first.
///
/// A key that is already queued for an earlier instant is not queued again: when it is removed then, it is not due yet
/// and is queued again. Therefore a keepalive needs no entry of its own, and the queue is about as long as the number
/// of keys.
struct DeadlineQueue<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Comparable, Sendable {
        let deadline: Date
        let key: Key

        static func < (left: Entry, right: Entry) -> Bool { left.deadline < right.deadline }
        static func == (left: Entry, right: Entry) -> Bool { left.deadline == right.deadline }
    }

    private var heap = Heap<Entry>()
    /// The earliest instant for which each key is queued; entries that do not match are obsolete.
    private var queued: [Key: Date] = [:]

    /// The instant of the first check.
    var next: Date? { heap.min?.deadline }

    /// Ensures that `key` is checked at `deadline` at the latest; the distant future stands for never.
    mutating func schedule(_ key: Key, at deadline: Date) {
        guard deadline < .distantFuture else { return }
        if let current = queued[key], current <= deadline { return }
        queued[key] = deadline
        heap.insert(Entry(deadline: deadline, key: key))
    }

    /// Removes and returns every key whose instant is `now` or earlier.
    mutating func takeDue(at now: Date) -> [Key] {
        var due: [Key] = []
        while let first = heap.min, first.deadline <= now {
            heap.removeMin()
            guard queued[first.key] == first.deadline else { continue }
            queued[first.key] = nil
            due.append(first.key)
        }
        return due
    }
}

extension Date? {
    /// Whether this deadline comes before another one; no deadline comes last.
    func isEarlier(than other: Date?) -> Bool {
        (self ?? .distantFuture) < (other ?? .distantFuture)
    }
}

/// The previews that this replica has ended, or has begun to end, recently.
///
/// There are two generations: an entry is forgotten at the second call of ``forgetOld()`` after it, which bounds their
/// number by what ends within two sweep intervals.
struct EndedTokens: Sendable {
    private var recent: Set<PreviewToken> = []
    private var older: Set<PreviewToken> = []

    mutating func insert(_ token: PreviewToken) { recent.insert(token) }

    func contains(_ token: PreviewToken) -> Bool { recent.contains(token) || older.contains(token) }

    mutating func forgetOld() {
        older = recent
        recent = []
    }
}
