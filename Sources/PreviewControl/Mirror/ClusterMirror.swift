public import FoundationEssentials
public import PreviewDomain
internal import Synchronization

/// This replica's copy of the cluster, which ``MirrorRunner`` keeps up to date.
///
/// It is a copy and never the truth: whoever would do harm by believing it asks the cluster again first. There is one
/// writer, the feed, and any number of readers.
///
/// Whatever follows the changes is a value beside the copy and takes each of them in the same step, under the one lock: the
/// queue of the reaper, that of the approvals, the chronicle. So all of them see the same changes in the same order. Nothing
/// else is called under the lock. Whoever waits is signalled once it is free, and then reads for itself.
public final class ClusterMirror: Sendable {
    /// What the mirror can say about one object.
    enum Lookup<Object: Sendable>: Sendable {
        case present(Object)
        case absent
        /// The watch has not delivered this collection yet, or is broken.
        case unknown

        fileprivate init(_ object: Object?, isFresh: Bool) {
            self = isFresh ? object.map(Lookup.present) ?? .absent : .unknown
        }
    }

    struct State {
        var cluster: MirrorState
        var reaping: ReapQueue
        var ended = EndedPreviews()
        /// When approvals expire, by the names of their claims.
        var expiries = DeadlineQueue<String>()
        /// Nil where nobody writes the timeline.
        var chronicle: ChronicleMachine?
        var watchers = ClaimWatchers()
        /// How often the watch over claims has brought anything.
        var claimActivity = 0

        /// When each of those who follow has to look next. A tuple, because every change asks twice: an array would be two
        /// allocations for each.
        fileprivate var next: (reaping: Date?, expiries: Date?, chronicle: Date?) {
            (reaping.next, expiries.next, chronicle?.next)
        }
    }

    private let state: Mutex<State>
    /// Raised when something is due earlier than what the reaper was to look at next.
    let hasEarlierDeadline = ChangeSignal()
    /// Raised when an approval may expire earlier than was known.
    let hasEarlierExpiry = ChangeSignal()
    /// Raised when a preview or a pod has changed, so that a pod's label may not be what it should be.
    let hasLabelChange = ChangeSignal()
    /// Raised when the chronicle has something to tell earlier than was known.
    let hasEarlierReport = ChangeSignal()

    /// - Parameter spread: Returns a number in 0..<1 for a preview, always the same one, and another in other replicas.
    public init(
        policy: PreviewPolicy,
        spread: @escaping @Sendable (PreviewToken) -> Double = ClusterMirror.randomSpread
    ) {
        state = Mutex(
            State(
                cluster: MirrorState(followsClaims: !policy.lifetime.keepsAfterRun),
                reaping: ReapQueue(judge: ReapJudge(policy: policy), spread: spread)
            )
        )
    }

    /// Swift seeds its hashes at random in every process, so that they are different in every replica.
    public static let randomSpread: @Sendable (PreviewToken) -> Double = { token in
        Double(UInt32(truncatingIfNeeded: token.hashValue)) / 0x1p32
    }

    // MARK: Writing

    /// Takes one step of the feed.
    ///
    /// - Parameter time: The API server's time where it is known.
    public func apply(_ change: ClusterChange, at time: ClusterTimeReading? = nil) {
        let woken = update { state in
            let delta = state.cluster.apply(change)
            // A list that does not have a preview may be an old one; an event tells that it ended.
            if case .routes(.deleted) = change {
                for preview in delta.ended {
                    state.ended.insert(preview.token.fingerprint, .seen(time?.earliest ?? .distantPast))
                }
            }
            state.reaping.follow(delta, state.cluster, now: time?.earliest)
            state.chronicle?.follow(delta, now: time?.latest)
            return state.followClaims(delta, change)
        }
        // Not under the lock: a watcher whose task is cancelled at this moment takes it, under the lock of its task.
        for wake in woken { wake() }
        if [.routes, .backends, .pods].contains(change.collection) { hasLabelChange.raise() }
    }

    /// Lets a chronicle follow, from the next change on.
    func attach(_ chronicle: ChronicleMachine) { state.withLock { $0.chronicle = chronicle } }

    /// Changes the state, and signals those for whom something is due earlier than before.
    func update<Result: Sendable>(_ change: (inout State) -> Result) -> Result {
        let (result, before, after) = state.withLock { state in
            let before = state.next
            let result = change(&state)
            return (result, before, state.next)
        }
        if after.reaping.isEarlier(than: before.reaping) { hasEarlierDeadline.raise() }
        if after.expiries.isEarlier(than: before.expiries) { hasEarlierExpiry.raise() }
        if after.chronicle.isEarlier(than: before.chronicle) { hasEarlierReport.raise() }
        return result
    }

    /// Reads the state where it is: a copy of it would be some twenty references.
    func read<Result: Sendable>(_ work: (inout State) -> Result) -> Result { state.withLock { work(&$0) } }
}

/// The previews.
extension ClusterMirror {
    /// True once all collections have arrived and their watches are unbroken.
    public var isFresh: Bool { read { $0.cluster.fresh.count == ClusterCollection.allCases.count } }

    /// True while routes, backends and pods are known: what a sweep needs.
    var isComplete: Bool { read { $0.cluster.isComplete } }

    func route(_ token: PreviewToken) -> Lookup<Preview> {
        read { Lookup($0.cluster.routes[token], isFresh: $0.cluster.fresh.contains(.routes)) }
    }

    func backend(_ token: PreviewToken) -> Lookup<PreviewBackend> {
        read { Lookup($0.cluster.backends[token], isFresh: $0.cluster.fresh.contains(.backends)) }
    }

    /// What was last seen of a route, whether or not its watch is in order.
    @Sendable func knownRoute(_ token: PreviewToken) -> Preview? { read { $0.cluster.routes[token] } }

    /// What was last seen of a Service, whether or not its watch is in order.
    @Sendable func knownBackend(_ token: PreviewToken) -> PreviewBackend? { read { $0.cluster.backends[token] } }

    /// How many previews there are; nil when they are not known.
    public var previewCount: Int? {
        read { $0.cluster.fresh.contains(.routes) ? $0.cluster.routes.count : nil }
    }

    /// All routes, or nil when they are not known well enough to be counted.
    func routes() -> [Preview]? {
        read { $0.cluster.fresh.contains(.routes) ? Array($0.cluster.routes.values) : nil }
    }

    /// The previews of one run; nil when they are not known well enough.
    func routes(of run: RunLabel) -> [Preview]? { routes()?.filter { $0.run == run } }

    /// Remembers that a preview was stopped, before the watch tells.
    func noteStop(of token: PreviewToken) { update { $0.ended.insert(token.fingerprint, .stopped) } }

    /// How the preview with that fingerprint ended, where this replica knows. No token is minted twice, so it stays so. A
    /// list that does not have it proves nothing: it may be an old one.
    func end(of fingerprint: String) -> EndedPreviews.End? { read { $0.ended[fingerprint] } }

    /// The UIDs of the claims that exist, or nil when they are not known well enough, or do not matter.
    func claimUIDs() -> Set<String>? { read { $0.cluster.existingClaims } }
}

/// What leads from a run to its pod: nil also while the collection is not up to date.
extension ClusterMirror {
    public func claim(ofRunNamed name: String) -> RunClaim? {
        read { $0.cluster.fresh.contains(.claims) ? $0.cluster.claims[name] : nil }
    }

    public func sandbox(named name: String) -> SandboxRecord? {
        read { $0.cluster.fresh.contains(.sandboxes) ? $0.cluster.sandboxes[name] : nil }
    }

    public func pod(named name: String) -> PodRecord? {
        read { $0.cluster.fresh.contains(.pods) ? $0.cluster.pods[name] : nil }
    }
}

/// The reaper.
extension ClusterMirror {
    /// The next instant at which something has to be looked at.
    var nextDeadline: Date? { read { $0.reaping.next } }

    /// Takes out what is to be looked at, the earliest first.
    func takeDue(now: Date) -> [ReapKey] { update { $0.reaping.takeDue(now: now) } }

    /// See ``ReapQueue/order(for:now:yields:_:_:)``.
    func order(for key: ReapKey, now: Date, yields: Bool = true, idleFrom: IdleFrom) -> ReapOrder? {
        update { $0.reaping.order(for: key, now: now, yields: yields, $0.cluster, idleFrom) }
    }

    /// See ``ReapQueue/note(_:of:)``.
    func note(_ outcome: ReapOutcome, of order: ReapOrder) { state.withLock { $0.reaping.note(outcome, of: order) } }

    /// See ``ReapQueue/allDue(now:_:_:)``.
    func allDue(now: Date?, idleFrom: IdleFrom) -> [ReapKey]? {
        read { $0.reaping.allDue(now: now, $0.cluster, idleFrom) }
    }

    /// Queues again what was taken out and could not be dealt with.
    func retry(_ key: ReapKey, at instant: Date) { update { $0.reaping.schedule(key, at: instant) } }

    /// See ``ReapQueue/noteEnd(of:lookAt:)``.
    func noteEnd(of token: PreviewToken, lookAt instant: Date) {
        update { $0.reaping.noteEnd(of: token, lookAt: instant) }
    }

    /// Whether ``noteEnd(of:lookAt:)`` was called within the last sweep interval.
    @Sendable func isEnded(_ token: PreviewToken) -> Bool { read { $0.reaping.isEnded(token) } }

    /// Forgets what was noted before the last call of this.
    func forgetOldEnds() { update { $0.reaping.forgetOldEnds() } }
}

/// The chronicle.
extension ClusterMirror {
    /// Takes out what is to be told now.
    ///
    /// - Returns: It, and the next instant at which there may be more.
    func takeReports(at now: Date) -> (events: [TimelineEvent], next: Date?) {
        update { ($0.chronicle?.takeDue(at: now, $0.cluster) ?? [], $0.chronicle?.next) }
    }
}
