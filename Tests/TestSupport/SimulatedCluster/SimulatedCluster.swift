public import FoundationEssentials
public import PreviewControl
public import PreviewDomain
internal import Synchronization

/// A cluster in memory, behind the ports of `PreviewControl`.
///
/// It keeps objects with UIDs and resourceVersions, its own time, and an exact log of what was asked of it. A test can
/// make single operations fail, and can act between two operations of the code under test.
public final class SimulatedCluster: Sendable {
    /// What can be asked of the cluster.
    public enum Operation: String, Hashable, Sendable, CaseIterable {
        case resolveSandbox, labelPod, createService, createRoute, route, routes, routesOfRun, routeStatus, backend
        case backends, extend, deleteRoute, deleteBackend, livePods, isLive, claims, claimExists, probe
        case proveWatch, isPodReady, rewriteHost, setBackendProtocol, podLabel, unlabelPod
        case claim, writeClaim, replaceOnClaim, setAutoApprove, commonGrants, addCommonGrant
    }

    /// When an injected failure strikes.
    public enum Fault: Sendable {
        /// The operation fails and has no effect.
        case before(ClusterError)
        /// The operation takes effect and its answer is lost.
        case after(ClusterError)
    }

    struct StoredRoute {
        var name: String
        var labels: [String: String]
        var annotations: [String: String]
        var uid: String
        var resourceVersion: Int
        var createdAt: Date
        var isBeingDeleted = false
        var backendProtocol = BackendProtocol.http1

        var preview: Preview? {
            Preview(
                name: name,
                labels: labels,
                annotations: annotations,
                uid: uid,
                resourceVersion: "\(resourceVersion)",
                createdAt: createdAt,
                isBeingDeleted: isBeingDeleted
            )
        }
    }

    struct State {
        var now: Date
        var timeIsKnown = true
        var version = 0
        var sandboxes: [RunID: BoundSandbox] = [:]
        var routes: [PreviewToken: StoredRoute] = [:]
        var backends: [PreviewToken: PreviewBackend] = [:]
        var pods: [PodIdentity: Bool] = [:]
        var podLabels: [PodIdentity: PodLabel] = [:]
        var routeStatus = RouteStatus(isAccepted: true)
        var probeOutcome = ProbeOutcome.answered(PreviewAnswer(status: 200))
        /// Of a preview whose app sees `localhost`, where that is another one.
        var localhostOutcome: ProbeOutcome?
        /// Of a preview to whose app the gateway speaks HTTP/2, where that is another one.
        var http2Outcome: ProbeOutcome?
        var faults: [Operation: [Fault]] = [:]
        var interruptions: [Operation: [@Sendable () async -> Void]] = [:]
        var log: [Operation] = []
        var interleaving: SeededRandom?
        /// The watches of each feed: one for each kind, which nothing keeps in step.
        var subscribers: [Int: [ClusterCollection: AsyncStream<ClusterChange>.Continuation]] = [:]
        var nextSubscriber = 0
        /// The watches that say nothing, though they seem to be in good order.
        var silentWatches: Set<ClusterCollection> = []
        /// Whether that stays so when it is opened anew.
        var watchIsDeaf = false
        var missed: [ClusterChange] = []
        var claims: [String: StoredClaim] = [:]
        var commonGrants = StandingGrants()

        mutating func nextVersion() -> Int {
            version += 1
            return version
        }
    }

    let state: Mutex<State>

    public init(now: Date = Date(timeIntervalSince1970: 1_800_000_000)) {
        state = Mutex(State(now: now))
    }

    // MARK: For tests: what exists

    /// Adds a run with a bound, running pod.
    @discardableResult
    public func addSandbox(
        for run: RunID,
        owner: String? = "ada",
        pod: String = "pod-1",
        claimName: String? = nil
    ) -> PodIdentity {
        state.withLock { state in
            let identity = PodIdentity(name: pod, uid: "uid-\(pod)-\(state.nextVersion())")
            let claim = ClaimIdentity(name: claimName ?? run.claimName, uid: "claim-of-\(pod)")
            state.pods[identity] = true
            state.publish(.pods(.applied(state.record(of: identity))))
            if state.claims[claim.name]?.identity != claim {
                state.claims[claim.name] = StoredClaim(
                    identity: claim,
                    annotations: [ClaimAnnotation.runID: run.text],
                    resourceVersion: state.nextVersion()
                )
                state.publishClaim(claim.name)
            }
            state.sandboxes[run] = BoundSandbox(
                claim: claim,
                owner: owner,
                pod: identity,
                selector: .existing([ClusterLabel.claimUID: "claim-of-\(pod)"])
            )
            return identity
        }
    }

    /// Ends a pod as the kubelet would: it is gone, or stays with a terminal phase.
    public func endPod(_ pod: PodIdentity) {
        state.withLock { state in
            state.pods[pod] = false
            state.publish(.pods(.deleted(pod.name)))
        }
    }

    /// Ends a run as the platform does: its claim goes. Its pod may live on for a while.
    public func removeClaim(of run: RunID) {
        state.withLock { state in
            guard let sandbox = state.sandboxes.removeValue(forKey: run) else { return }
            state.claims[sandbox.claim.name] = nil
            state.publish(.claims(.deleted(sandbox.claim.name)))
        }
    }

    /// Puts a route into the cluster that this service did not make.
    public func addRoute(
        name: String,
        labels: [String: String],
        annotations: [String: String],
        age: Duration = .zero
    ) {
        state.withLock { state in
            guard let token = PreviewToken(objectName: name) else { return }
            let version = state.nextVersion()
            let stored = StoredRoute(
                name: name,
                labels: labels,
                annotations: annotations,
                uid: "uid-\(version)",
                resourceVersion: version,
                createdAt: (state.now + (Duration.zero - age)).wholeSecond
            )
            state.routes[token] = stored
            if let preview = stored.preview { state.publish(.routes(.applied(preview))) }
        }
    }

    public func addBackend(_ token: PreviewToken, run: RunLabel?, age: Duration = .zero) {
        state.withLock { state in
            let version = state.nextVersion()
            let backend = PreviewBackend(
                token: token,
                run: run,
                uid: "uid-\(version)",
                resourceVersion: "\(version)",
                createdAt: (state.now + (Duration.zero - age)).wholeSecond,
                isBeingDeleted: false
            )
            state.backends[token] = backend
            state.publish(.backends(.applied(backend)))
        }
    }

    public func removeBackend(_ token: PreviewToken) {
        state.withLock { state in
            state.backends[token] = nil
            state.publish(.backends(.deleted(token)))
        }
    }

    public func removeRoute(_ token: PreviewToken) {
        state.withLock { state in
            state.routes[token] = nil
            state.publish(.routes(.deleted(token)))
        }
    }

    /// Changes a route's annotations behind the service's back; `nil` removes one.
    public func annotate(_ token: PreviewToken, _ changes: [String: String?]) {
        state.withLock { state in
            state.changeRoute(token) { route in
                for (key, value) in changes { route.annotations[key] = value }
            }
        }
    }

    /// Changes a route's labels behind the service's back; `nil` removes one. It may be none of ours after that.
    public func relabel(_ token: PreviewToken, _ changes: [String: String?]) {
        state.withLock { state in
            state.changeRoute(token) { route in
                for (key, value) in changes { route.labels[key] = value }
            }
        }
    }

    /// Changes something that no verdict depends on, as a gateway's status write does.
    public func touchRoute(_ token: PreviewToken) {
        state.withLock { $0.changeRoute(token) { _ in } }
    }

    public func markRouteAsBeingDeleted(_ token: PreviewToken) {
        state.withLock { $0.changeRoute(token) { $0.isBeingDeleted = true } }
    }

    // MARK: For tests: what is there

    public var liveRoutes: [PreviewToken] { state.withLock { Array($0.routes.keys) } }
    public var liveBackends: [PreviewToken] { state.withLock { Array($0.backends.keys) } }
    public func annotations(of token: PreviewToken) -> [String: String]? {
        state.withLock { $0.routes[token]?.annotations }
    }

    /// The owner that is written on a run's claim; asking is not logged.
    public func owner(of run: RunID) -> String? { state.withLock { $0.sandboxes[run]?.owner } }

    /// Every operation so far, in order.
    public var log: [Operation] { state.withLock { $0.log } }
    public func clearLog() { state.withLock { $0.log = [] } }

    // MARK: For tests: time and faults

    /// How far apart the earliest and the latest instant are that the API server's clock can show: code that takes one for the
    /// other ends previews early, or promises less than it says.
    public static let uncertainty = Duration.milliseconds(250)

    /// The latest instant that the API server's clock can show.
    public var now: Date { state.withLock { $0.now } }
    /// Lets time pass: so much, and ``uncertainty``, so that what was due after so much is due by the earliest instant too.
    public func advance(by duration: Duration) { advance(exactlyBy: duration + Self.uncertainty) }
    public func advance(exactlyBy duration: Duration) { state.withLock { $0.now = $0.now + duration } }
    public func hideTime() { state.withLock { $0.timeIsKnown = false } }
    public func showTime() { state.withLock { $0.timeIsKnown = true } }

    /// Lets everything fail until ``comeBack()``, as if the API server could not be reached.
    public func goAway() {
        for operation in Operation.allCases where operation != .probe {
            failAlways(operation, ClusterError(.unavailable, "the API server cannot be reached (connect)"))
        }
    }

    public func comeBack() { for operation in Operation.allCases { heal(operation) } }

    public func setProbeOutcome(_ outcome: ProbeOutcome) { state.withLock { $0.probeOutcome = outcome } }
    /// What a probe finds where the app sees `localhost`.
    public func setLocalhostOutcome(_ outcome: ProbeOutcome) { state.withLock { $0.localhostOutcome = outcome } }
    /// What a probe finds where the gateway speaks HTTP/2 to the app.
    public func setHTTP2Outcome(_ outcome: ProbeOutcome) { state.withLock { $0.http2Outcome = outcome } }
    /// How the gateway speaks to a preview's app.
    public func backendProtocol(of token: PreviewToken) -> BackendProtocol? {
        state.withLock { $0.routes[token]?.backendProtocol }
    }
    public func setRouteStatus(_ status: RouteStatus) { state.withLock { $0.routeStatus = status } }

    /// Makes the next calls of `operation` fail, one fault each.
    public func fail(_ operation: Operation, _ faults: Fault...) {
        state.withLock { $0.faults[operation, default: []] += faults }
    }

    /// Makes every call of `operation` fail until ``heal(_:)``.
    public func failAlways(_ operation: Operation, _ error: ClusterError) {
        state.withLock { $0.faults[operation] = Array(repeating: .before(error), count: 10_000) }
    }

    public func heal(_ operation: Operation) { state.withLock { $0.faults[operation] = nil } }

    /// Runs `action` just before the next call of `operation` takes effect.
    public func interrupt(_ operation: Operation, _ action: @escaping @Sendable () async -> Void) {
        state.withLock { $0.interruptions[operation, default: []].append(action) }
    }

    /// Lets others go first a random number of times before each operation takes effect, so that tasks that run side by
    /// side interleave in many ways.
    public func interleave(seed: UInt64) {
        state.withLock { $0.interleaving = SeededRandom(seed: seed) }
    }

    /// Lets all feeds miss what happens from now on, without their noticing it: in all watches, or in those over some
    /// collections, so that they get out of step with the others.
    public func silenceWatch(over collections: ClusterCollection...) {
        state.withLock { $0.silentWatches.formUnion(collections.isEmpty ? ClusterCollection.allCases : collections) }
    }

    /// Delivers what silent watches have missed: the changes of each collection in their order.
    public func endSilence(over collections: ClusterCollection...) {
        state.withLock { $0.endSilence(over: collections.isEmpty ? ClusterCollection.allCases : collections) }
    }

    /// As ``silenceWatch()``, and opening the watch anew changes nothing.
    public func deafenWatch() {
        state.withLock { state in
            state.silentWatches = Set(ClusterCollection.allCases)
            state.watchIsDeaf = true
        }
    }

    /// Tells all feeds that a collection's watch broke.
    public func breakWatch(of collection: ClusterCollection) {
        state.withLock { $0.publish(.interrupted(collection)) }
    }

    // MARK: Performing

    static let maxPauses: UInt64 = 8

    /// Logs the operation, runs what the test put in front of it, and applies faults around its effect.
    func perform<Result: Sendable>(
        _ operation: Operation,
        _ effect: @Sendable (inout State) throws(ClusterError) -> Result
    ) async throws(ClusterError) -> Result {
        let (action, pauses) = state.withLock { state -> ((@Sendable () async -> Void)?, UInt64) in
            state.log.append(operation)
            let pauses = state.interleaving.map { $0.next() % Self.maxPauses } ?? 0
            guard var waiting = state.interruptions[operation], !waiting.isEmpty else { return (nil, pauses) }
            let first = waiting.removeFirst()
            state.interruptions[operation] = waiting
            return (first, pauses)
        }
        await action?()
        for _ in 0..<pauses { await Task.yield() }
        return try state.withLock { (state) throws(ClusterError) -> Result in
            var fault: Fault?
            if var faults = state.faults[operation], !faults.isEmpty {
                fault = faults.removeFirst()
                state.faults[operation] = faults
            }
            if case .before(let error) = fault { throw error }
            let result = try effect(&state)
            if case .after(let error) = fault { throw error }
            return result
        }
    }
}

extension SimulatedCluster.State {
    mutating func publish(_ change: ClusterChange) {
        if silentWatches.contains(change.collection) { missed.append(change) } else { deliver(change) }
    }

    func deliver(_ change: ClusterChange) {
        for watches in subscribers.values { watches[change.collection]?.yield(change) }
    }

    mutating func endSilence(over collections: [ClusterCollection]) {
        silentWatches.subtract(collections)
        for change in missed where collections.contains(change.collection) { deliver(change) }
        missed.removeAll { collections.contains($0.collection) }
    }

    func record(of pod: PodIdentity) -> PodRecord {
        PodRecord(identity: pod, runLabel: podLabels[pod]?.run, labelledAt: podLabels[pod]?.putAt)
    }

    mutating func changeRoute(
        _ token: PreviewToken,
        _ change: (inout SimulatedCluster.StoredRoute) -> Void
    ) {
        guard var route = routes[token] else { return }
        change(&route)
        route.resourceVersion = nextVersion()
        routes[token] = route
        // To a feed, what has ceased to be ours has ceased to be.
        publish(.routes(route.preview.map(ObjectChange.applied) ?? .deleted(token)))
    }
}

extension Date {
    /// The API server keeps `creationTimestamp` in whole seconds.
    var wholeSecond: Date { Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down)) }
}
