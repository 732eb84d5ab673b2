public import FoundationEssentials
public import PreviewControl
public import PreviewDomain
internal import Synchronization

/// A cluster in memory that implements the ports of `PreviewControl`.
///
/// It keeps objects with UIDs and resourceVersions, its own time, and a log of every operation. A test can make single
/// operations fail, and can run code between two operations of the code under test.
public final class SimulatedCluster: Sendable {
    /// The operations of the ports.
    public enum Operation: String, Hashable, Sendable, CaseIterable {
        case resolveSandbox, labelPod, createService, createRoute, route, routes, routesOfRun, routeStatus, backend
        case backends, extend, deleteRoute, deleteBackend, livePods, isLive, claims, claimExists, probe
        case checkWatch, isPodReady, rewriteHost, setBackendProtocol, podLabel, unlabelPod
        case claim, writeClaim, replaceOnClaim, setAutoApprove, commonGrants, addCommonGrant
    }

    /// The point at which an injected failure occurs.
    public enum Fault: Sendable {
        /// The operation fails without effect.
        case before(ClusterError)
        /// The operation takes effect, and its response is lost.
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
        /// By how much the clock that writes `creationTimestamp` is slow.
        var creationLag = Duration.zero
        var version = 0
        var sandboxes: [RunID: BoundSandbox] = [:]
        var routes: [PreviewToken: StoredRoute] = [:]
        var backends: [PreviewToken: PreviewBackend] = [:]
        var pods: [PodIdentity: Bool] = [:]
        var podLabels: [PodIdentity: PodLabel] = [:]
        var routeStatus = RouteStatus(isAccepted: true)
        var probeOutcome = ProbeOutcome.answered(ProbeResponse(status: 200))
        /// The outcome of a probe where the app sees `localhost`, if it differs.
        var localhostOutcome: ProbeOutcome?
        /// The outcome of a probe where the gateway speaks HTTP/2 to the app, if it differs.
        var http2Outcome: ProbeOutcome?
        var faults: [Operation: [Fault]] = [:]
        var interruptions: [Operation: [@Sendable () async -> Void]] = [:]
        var log: [Operation] = []
        var interleaving: SeededRandom?
        /// The watches of each feed: one for each kind, not synchronized with each other.
        var subscribers: [Int: [ClusterCollection: AsyncStream<ClusterChange>.Continuation]] = [:]
        var nextSubscriber = 0
        /// The watches that deliver nothing although they appear to work.
        var silentWatches: Set<ClusterCollection> = []
        /// Whether a silent watch stays silent when it is reopened.
        var watchStaysSilent = false
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

    // MARK: For tests: setup

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

    /// Ends a pod, as the kubelet would: it is deleted, or stays with a terminal phase.
    public func endPod(_ pod: PodIdentity) {
        state.withLock { state in
            state.pods[pod] = false
            state.publish(.pods(.deleted(pod.name)))
        }
    }

    /// Ends a run as the platform does: its claim is deleted. Its pod may exist a while longer.
    public func removeClaim(of run: RunID) {
        state.withLock { state in
            guard let sandbox = state.sandboxes.removeValue(forKey: run) else { return }
            state.claims[sandbox.claim.name] = nil
            state.publish(.claims(.deleted(sandbox.claim.name)))
        }
    }

    /// Adds a route that this service did not create.
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

    /// Changes a route's annotations as another client would; `nil` removes one.
    public func annotate(_ token: PreviewToken, _ changes: [String: String?]) {
        state.withLock { state in
            state.changeRoute(token) { route in
                for (key, value) in changes { route.annotations[key] = value }
            }
        }
    }

    /// Changes a route's labels as another client would; `nil` removes one. The route may then no longer belong to this
    /// service.
    public func relabel(_ token: PreviewToken, _ changes: [String: String?]) {
        state.withLock { state in
            state.changeRoute(token) { route in
                for (key, value) in changes { route.labels[key] = value }
            }
        }
    }

    /// Writes the route without a change to anything that a verdict depends on, as a gateway's status update does.
    public func touchRoute(_ token: PreviewToken) {
        state.withLock { $0.changeRoute(token) { _ in } }
    }

    public func markRouteAsBeingDeleted(_ token: PreviewToken) {
        state.withLock { $0.changeRoute(token) { $0.isBeingDeleted = true } }
    }

    // MARK: For tests: contents

    public var liveRoutes: [PreviewToken] { state.withLock { Array($0.routes.keys) } }
    public var liveBackends: [PreviewToken] { state.withLock { Array($0.backends.keys) } }
    public func annotations(of token: PreviewToken) -> [String: String]? {
        state.withLock { $0.routes[token]?.annotations }
    }

    /// The owner on a run's claim; this read is not logged.
    public func owner(of run: RunID) -> String? { state.withLock { $0.sandboxes[run]?.owner } }

    /// All operations so far, in order.
    public var log: [Operation] { state.withLock { $0.log } }
    public func clearLog() { state.withLock { $0.log = [] } }

    // MARK: For tests: time and faults

    /// The distance between the earliest and the latest instant of the API server's time. Code that confuses the two
    /// ends previews too early, or promises too much.
    public static let uncertainty = Duration.milliseconds(250)

    /// The latest instant of the API server's time.
    public var now: Date { state.withLock { $0.now } }
    /// Advances the time by `duration` plus ``uncertainty``, so that whatever is due after `duration` is due by the
    /// earliest instant too.
    public func advance(by duration: Duration) { advance(exactlyBy: duration + Self.uncertainty) }
    public func advance(exactlyBy duration: Duration) { state.withLock { $0.now = $0.now + duration } }
    public func makeTimeUnknown() { state.withLock { $0.timeIsKnown = false } }
    /// Makes the clock that writes `creationTimestamp` slow, as that of one API server of several may be.
    public func setCreationLag(_ lag: Duration) { state.withLock { $0.creationLag = lag } }
    public func makeTimeKnown() { state.withLock { $0.timeIsKnown = true } }

    /// Makes every operation except probes fail until ``becomeReachable()``, as if the API server could not be reached.
    public func becomeUnreachable() {
        for operation in Operation.allCases where operation != .probe {
            failAlways(operation, ClusterError(.unavailable, "the API server cannot be reached (connect)"))
        }
    }

    public func becomeReachable() { for operation in Operation.allCases { stopFailing(operation) } }

    public func setProbeOutcome(_ outcome: ProbeOutcome) { state.withLock { $0.probeOutcome = outcome } }
    /// Sets the outcome of a probe where the app sees `localhost`.
    public func setLocalhostOutcome(_ outcome: ProbeOutcome) { state.withLock { $0.localhostOutcome = outcome } }
    /// Sets the outcome of a probe where the gateway speaks HTTP/2 to the app.
    public func setHTTP2Outcome(_ outcome: ProbeOutcome) { state.withLock { $0.http2Outcome = outcome } }
    /// The protocol that the gateway speaks to a preview's app.
    public func backendProtocol(of token: PreviewToken) -> BackendProtocol? {
        state.withLock { $0.routes[token]?.backendProtocol }
    }
    public func setRouteStatus(_ status: RouteStatus) { state.withLock { $0.routeStatus = status } }

    /// Makes the next calls of `operation` fail, one fault each.
    public func fail(_ operation: Operation, _ faults: Fault...) {
        state.withLock { $0.faults[operation, default: []] += faults }
    }

    /// Makes every call of `operation` fail until ``stopFailing(_:)``.
    public func failAlways(_ operation: Operation, _ error: ClusterError) {
        state.withLock { $0.faults[operation] = Array(repeating: .before(error), count: 10_000) }
    }

    public func stopFailing(_ operation: Operation) { state.withLock { $0.faults[operation] = nil } }

    /// Runs `action` just before the next call of `operation` takes effect.
    public func interrupt(_ operation: Operation, _ action: @escaping @Sendable () async -> Void) {
        state.withLock { $0.interruptions[operation, default: []].append(action) }
    }

    /// Yields a random number of times before each operation takes effect, so that concurrent tasks interleave in many
    /// ways.
    public func interleave(seed: UInt64) {
        state.withLock { $0.interleaving = SeededRandom(seed: seed) }
    }

    /// Stops the delivery of changes to all feeds without an error: in all watches, or in those of some collections, so
    /// that they get out of step with the others.
    public func silenceWatch(over collections: ClusterCollection...) {
        state.withLock { $0.silentWatches.formUnion(collections.isEmpty ? ClusterCollection.allCases : collections) }
    }

    /// Delivers what the silent watches have missed; the order within each collection is kept.
    public func endSilence(over collections: ClusterCollection...) {
        state.withLock { $0.endSilence(over: collections.isEmpty ? ClusterCollection.allCases : collections) }
    }

    /// Like ``silenceWatch(over:)``, but reopening the watches changes nothing.
    public func silenceWatchPermanently() {
        state.withLock { state in
            state.silentWatches = Set(ClusterCollection.allCases)
            state.watchStaysSilent = true
        }
    }

    /// Tells all feeds that the watch of a collection was interrupted.
    public func breakWatch(of collection: ClusterCollection) {
        state.withLock { $0.publish(.interrupted(collection)) }
    }

    // MARK: Performing

    static let maxPauses: UInt64 = 8

    /// Logs the operation, runs the test's interruption, and applies faults around the effect.
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
    /// The `creationTimestamp` of an object that is created now.
    var creationTimestamp: Date { (now + (Duration.zero - creationLag)).wholeSecond }

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
        PodRecord(identity: pod, runLabel: podLabels[pod]?.run, labelledAt: podLabels[pod]?.setAt)
    }

    mutating func changeRoute(
        _ token: PreviewToken,
        _ change: (inout SimulatedCluster.StoredRoute) -> Void
    ) {
        guard var route = routes[token] else { return }
        change(&route)
        route.resourceVersion = nextVersion()
        routes[token] = route
        // For a feed, an object that no longer belongs to this service is deleted.
        publish(.routes(route.preview.map(ObjectChange.applied) ?? .deleted(token)))
    }
}

extension Date {
    /// The API server keeps `creationTimestamp` in whole seconds.
    var wholeSecond: Date { Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down)) }
}
