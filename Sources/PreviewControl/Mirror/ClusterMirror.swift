internal import FoundationEssentials
public import PreviewDomain
internal import Synchronization

/// This replica's copy of the cluster, which ``MirrorRunner`` keeps up to date.
///
/// The copy may be stale: code that could do harm because of it reads the cluster first. There is one writer, the feed,
/// and any number of readers.
///
/// The observers of changes are values beside the copy, which process each change in the same step, under the same
/// lock: the reaper's queue, the approvals' queue, the event machine. All of them see the same changes in the same order.
/// No other code is called under the lock. Waiting tasks are signalled after it is released, and then read the copy
/// themselves.
public final class ClusterMirror: Sendable {
    /// What the mirror knows about one object.
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
        /// Nil if no timeline is written.
        var eventMachine: PreviewEventMachine?
        var watchers = ClaimWatchers()
        /// The waiters for changes of the pending requests of all runs.
        var pendingWatchers = ClaimWatchers()
        /// The number of changes that the watch on claims has delivered.
        var claimActivity = 0

        /// The next instants of the observers. It is a tuple, because every change reads it twice: an array would need
        /// two allocations each time.
        fileprivate var next: (reaping: Date?, expiries: Date?, eventMachine: Date?) {
            (reaping.next, expiries.next, eventMachine?.next)
        }
    }

    private let state: Mutex<State>
    /// Raised when something is due earlier than the reaper's next check.
    let hasEarlierDeadline = ChangeSignal()
    /// Raised when an approval may expire earlier than was known.
    let hasEarlierExpiry = ChangeSignal()
    /// Raised when a preview or a pod has changed, so that a pod's label may differ from the desired one.
    let hasLabelChange = ChangeSignal()
    /// Raised when the event machine has an event earlier than was known.
    let hasEarlierEvent = ChangeSignal()

    /// - Parameter spread: Returns a number in 0..<1 for a preview, always the same one, and a different one in other
    ///   replicas.
    public init(
        policy: PreviewPolicy,
        spread: @escaping @Sendable (PreviewToken) -> Double = ClusterMirror.randomSpread
    ) {
        state = Mutex(
            State(
                cluster: MirrorState(followsClaims: !policy.lifetime.keepsAfterRun),
                reaping: ReapQueue(evaluator: ReapEvaluator(policy: policy), spread: spread)
            )
        )
    }

    /// Swift seeds its hashes at random in every process, so that they are different in every replica.
    public static let randomSpread: @Sendable (PreviewToken) -> Double = { token in
        Double(UInt32(truncatingIfNeeded: token.hashValue)) / 0x1p32
    }

    // MARK: Writing

    /// Applies one step of the feed.
    ///
    /// - Parameter time: The API server's time, if it is known.
    public func apply(_ change: ClusterChange, at time: ClusterTimeReading? = nil) {
        let woken = update { state in
            let delta = state.cluster.apply(change)
            // A list without a preview may be stale; only an event proves that the preview has ended.
            if case .routes(.deleted) = change {
                for preview in delta.ended {
                    state.ended.insert(preview.token.fingerprint, .seen(time?.earliest ?? .distantPast))
                }
            }
            state.reaping.follow(delta, state.cluster, now: time?.earliest)
            state.eventMachine?.follow(delta, now: time?.latest)
            return state.followClaims(delta, change)
        }
        // Outside the lock: a waiter whose task is being cancelled takes this lock while it holds that of its task.
        for wake in woken { wake() }
        if [.routes, .backends, .pods].contains(change.collection) { hasLabelChange.raise() }
    }

    /// Adds an event machine, which observes changes from the next one on.
    func attach(_ eventMachine: PreviewEventMachine) { state.withLock { $0.eventMachine = eventMachine } }

    /// Changes the state, and signals the observers for which something is due earlier than before.
    func update<Result: Sendable>(_ change: (inout State) -> Result) -> Result {
        let (result, before, after) = state.withLock { state in
            let before = state.next
            let result = change(&state)
            return (result, before, state.next)
        }
        if after.reaping.isEarlier(than: before.reaping) { hasEarlierDeadline.raise() }
        if after.expiries.isEarlier(than: before.expiries) { hasEarlierExpiry.raise() }
        if after.eventMachine.isEarlier(than: before.eventMachine) { hasEarlierEvent.raise() }
        return result
    }

    /// Reads the state in place: a copy of it would retain about twenty references.
    func read<Result: Sendable>(_ work: (inout State) -> Result) -> Result { state.withLock { work(&$0) } }
}

/// The previews.
extension ClusterMirror {
    /// True once all collections have arrived and no watch is broken.
    public var isFresh: Bool { read { $0.cluster.fresh.count == ClusterCollection.allCases.count } }

    /// True while routes, backends and pods are known: the requirement of a sweep.
    var isComplete: Bool { read { $0.cluster.isComplete } }

    func route(_ token: PreviewToken) -> Lookup<Preview> {
        read { Lookup($0.cluster.routes[token], isFresh: $0.cluster.fresh.contains(.routes)) }
    }

    func backend(_ token: PreviewToken) -> Lookup<PreviewBackend> {
        read { Lookup($0.cluster.backends[token], isFresh: $0.cluster.fresh.contains(.backends)) }
    }

    /// The last known state of a route, whether or not its watch works.
    @Sendable func lastSeenRoute(_ token: PreviewToken) -> Preview? { read { $0.cluster.routes[token] } }

    /// The last known state of a Service, whether or not its watch works.
    @Sendable func lastSeenBackend(_ token: PreviewToken) -> PreviewBackend? { read { $0.cluster.backends[token] } }

    /// The number of previews; nil if they are not known.
    public var previewCount: Int? {
        read { $0.cluster.fresh.contains(.routes) ? $0.cluster.routes.count : nil }
    }

    /// All routes, or nil if they are not known well enough to be counted.
    func routes() -> [Preview]? {
        read { $0.cluster.fresh.contains(.routes) ? Array($0.cluster.routes.values) : nil }
    }

    /// The previews of one run; nil if they are not known well enough.
    func routes(of run: RunLabel) -> [Preview]? { routes()?.filter { $0.run == run } }

    /// Records that a preview was stopped, before the watch reports it.
    func recordStop(of token: PreviewToken) { update { $0.ended.insert(token.fingerprint, .stopped) } }

    /// How the preview with that fingerprint ended, if this replica knows. A token is never used twice, so this does
    /// not change. A list without the preview is no proof, since it may be stale.
    func end(of fingerprint: String) -> EndedPreviews.End? { read { $0.ended[fingerprint] } }

    /// The UIDs of the existing claims, or nil if they are not known or not relevant.
    func claimUIDs() -> Set<String>? { read { $0.cluster.existingClaims } }
}

/// An object between a run and its pod: nil also while the collection is not up to date.
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
    /// The next instant at which something has to be checked.
    var nextDeadline: Date? { read { $0.reaping.next } }

    /// Removes and returns what has to be checked, the earliest first.
    func takeDue(now: Date) -> [ReapKey] { update { $0.reaping.takeDue(now: now) } }

    /// See ``ReapQueue/dueDeletion(for:now:yields:_:_:)``.
    func dueDeletion(for key: ReapKey, now: Date, yields: Bool = true, minExpiry: MinExpiry) -> DueDeletion? {
        update { $0.reaping.dueDeletion(for: key, now: now, yields: yields, $0.cluster, minExpiry) }
    }

    /// See ``ReapQueue/record(_:of:)``.
    func record(_ outcome: ReapOutcome, of deletion: DueDeletion) {
        state.withLock { $0.reaping.record(outcome, of: deletion) }
    }

    /// See ``ReapQueue/allDue(now:_:_:)``.
    func allDue(now: Date?, minExpiry: MinExpiry) -> [ReapKey]? {
        read { $0.reaping.allDue(now: now, $0.cluster, minExpiry) }
    }

    /// Queues deletions again that were removed and could not be carried out.
    func retry(_ key: ReapKey, at instant: Date) { update { $0.reaping.schedule(key, at: instant) } }

    /// See ``ReapQueue/recordEnd(of:checkAt:)``.
    func recordEnd(of token: PreviewToken, checkAt instant: Date) {
        update { $0.reaping.recordEnd(of: token, checkAt: instant) }
    }

    /// Whether ``recordEnd(of:checkAt:)`` was called within the last sweep interval.
    @Sendable func isEnded(_ token: PreviewToken) -> Bool { read { $0.reaping.isEnded(token) } }

    /// Forgets what was recorded before the last call of this method.
    func forgetOldEnds() { update { $0.reaping.forgetOldEnds() } }
}

/// The events that no caller causes.
extension ClusterMirror {
    /// Removes and returns the events that are due.
    ///
    /// - Returns: The events, and the next instant at which there may be more.
    func takeEvents(at now: Date) -> (events: [TimelineEvent], next: Date?) {
        update { ($0.eventMachine?.takeDue(at: now, $0.cluster) ?? [], $0.eventMachine?.next) }
    }
}
