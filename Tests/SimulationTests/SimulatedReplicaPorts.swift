import FoundationEssentials
import KubernetesClient
import PreviewDomain
import Synchronization

@testable import PreviewControl
@testable import TestSupport

/// One replica's access to the cluster, over its own network: every request takes time, and may fail before or after it
/// has taken effect. A replica that has crashed changes nothing more, whatever its tasks still do.
final class SimulatedReplicaPorts: Sendable {
    private struct State {
        var isAlive = true
        /// The server's clock, as the `Date` fields of the responses bound it.
        var bounds = ServerTimeBounds()
        var mirror: ClusterMirror?
    }

    let number: Int
    let world: SimulatedWorld
    private let state = Mutex(State())
    /// The rate of this machine's monotonic clock, relative to the server's.
    private let drift: Double

    /// The time limit of a request for which no caller waits.
    private static let requestTimeout = Duration.seconds(10)

    init(number: Int, world: SimulatedWorld) {
        self.number = number
        self.world = world
        drift = 1 + (world.random.unit() - 0.5) * 800e-6
    }

    var cluster: SimulatedCluster { world.cluster }
    var isAlive: Bool { state.withLock { $0.isAlive } }
    func kill() { state.withLock { $0.isAlive = false } }
    func attach(_ mirror: ClusterMirror) { state.withLock { $0.mirror = mirror } }
    /// This replica's copy, for mutants that wrongly answer from it.
    private var copy: ClusterMirror? { state.withLock { $0.mirror } }

    private var localTime: Double { world.executor.now / .seconds(1) * drift }

    /// Sends a request; `effect` is what the server does, at one instant.
    func send<Answer: Sendable>(
        _ operation: SimulatedCluster.Operation,
        _ effect: () async throws(ClusterError) -> Answer
    ) async throws(ClusterError) -> Answer {
        let sent = localTime
        let delivery = world.delivery(of: operation, from: number)
        let limit = min(ResponseDeadline.remaining ?? Self.requestTimeout, Self.requestTimeout)
        try await pause(min(delivery.requestDelay, limit))
        guard delivery.requestDelay < limit else {
            throw ClusterError(.unavailable, "the API server did not answer in time")
        }
        if case .refused(let error) = delivery.outcome { throw error }
        let answer = try await effect()
        world.model.checkClaims()
        let rest = limit - delivery.requestDelay
        try await pause(min(delivery.responseDelay, rest))
        if case .responseLost = delivery.outcome { throw ClusterError(.unavailable, "the connection was closed") }
        guard delivery.responseDelay < rest else {
            throw ClusterError(.unavailable, "the API server did not answer in time")
        }
        let date = cluster.now.timeIntervalSince1970.rounded(.down)
        state.withLock { $0.bounds.observe(date: date, sent: sent, received: localTime, isOwnConnection: true) }
        return answer
    }

    private func pause(_ duration: Duration) async throws(ClusterError) {
        do {
            try await world.executor.sleep(duration)
            // A crashed machine does nothing more; its requests do not even fail.
            if !isAlive { try await world.executor.sleep(SimulatedExecutor.forever) }
        } catch {
            throw ClusterError(.cancelled, "the caller gave up")
        }
        guard isAlive else { throw ClusterError(.cancelled, "this replica has crashed") }
    }

    var ports: ClusterPorts {
        ClusterPorts(sandboxes: self, objects: self, feed: self, time: self, probe: self, approvals: self)
    }
}

extension SimulatedReplicaPorts: ClusterTime {
    func reading() -> ClusterTimeReading? {
        let now = cluster.now
        if world.mutant == .localClock {
            let shown = now + world.skew(of: number)
            return ClusterTimeReading(earliest: shown, latest: shown)
        }
        return state.withLock { $0.bounds.range(at: localTime) }.map {
            ClusterTimeReading(
                earliest: Date(timeIntervalSince1970: $0.lowerBound),
                latest: Date(timeIntervalSince1970: $0.upperBound)
            )
        }
    }
}

extension SimulatedReplicaPorts: ClusterFeed {
    func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws {
        try await send(.checkWatch) {}
        try await cluster.run { [self] change in
            guard world.mutant == .reorderedDelivery, change.collection == .claims else {
                return await deliver(change, handle)
            }
            // The changes arrive in any order.
            let lag = Duration.milliseconds(Int64(world.random.next() % 30_000))
            _ = Task(executorPreference: world.executor) { [self] in
                try? await world.executor.sleep(lag)
                if isAlive { await handle(change) }
            }
        }
    }

    private func deliver(_ change: ClusterChange, _ handle: @Sendable (ClusterChange) async -> Void) async {
        var hasWaited = false
        while isAlive, !Task.isCancelled, world.isFrozen(change.collection, of: number) {
            hasWaited = true
            try? await world.executor.sleep(.milliseconds(500))
        }
        if !hasWaited { try? await world.executor.sleep(.milliseconds(1 + Int64(world.random.next() % 120))) }
        world.countEvent()
        if isAlive, !Task.isCancelled { await handle(change) }
    }

    func isAlive() async -> Bool {
        do {
            // A watch that is reopened delivers what it has missed before anything else.
            try await send(.checkWatch) { world.reopenWatches(of: number) }
            try await world.executor.sleep(.seconds(1))
            return true
        } catch {
            return false
        }
    }
}

extension SimulatedReplicaPorts: PreviewProbe {
    func probe(_ token: PreviewToken, timeout: Duration) async -> ProbeOutcome {
        try? await world.executor.sleep(.milliseconds(2 + Int64(world.random.next() % 50)))
        guard cluster.annotations(of: token) != nil else { return .notConnected }
        guard world.random.unit() < 0.8 else { return .noResponse }
        world.model.appAnswered(token)
        return .answered(ProbeResponse(status: 200))
    }
}

extension SimulatedReplicaPorts: SandboxDirectory {
    func sandbox(of run: RunID) async throws -> BoundSandbox {
        let sandbox = try await send(.resolveSandbox) { cluster.state.withLock { $0.sandboxes[run] } }
        guard let sandbox else { throw PreviewError(.noSandbox, "This run has no sandbox.") }
        return sandbox
    }

    func claim(of run: RunID) async throws -> ClaimIdentity { try await sandbox(of: run).claim }

    func cachedClaim(of run: RunID) -> ClaimIdentity? { cluster.cachedClaim(of: run) }
}

extension SimulatedReplicaPorts: ApprovalStore {
    func claim(of run: RunID) async throws(ClusterError) -> ClaimRecord? {
        try await send(.claim) { () async throws(ClusterError) -> ClaimRecord? in try await cluster.claim(of: run) }
    }

    func claims(of run: RunID) async throws(ClusterError) -> [ClaimRecord] {
        try await send(.claim) { () async throws(ClusterError) -> [ClaimRecord] in try await cluster.claims(of: run) }
    }

    func write(_ annotations: [String: String?], to claim: ClaimRecord) async throws(ClusterError) -> ClaimRecord? {
        try await send(.writeClaim) { () async throws(ClusterError) in try await cluster.write(annotations, to: claim) }
    }

    func replace(_ edits: [AnnotationEdit], of claim: ClaimIdentity) async throws(ClusterError) -> ClaimRecord? {
        do {
            let isBlind = world.mutant == .blindConsumption
            let written = try await send(.replaceOnClaim) { () async throws(ClusterError) -> ClaimRecord? in
                guard isBlind else { return try await cluster.replace(edits, of: claim) }
                let current = cluster.state.withLock { $0.claims[claim.name]?.annotations } ?? [:]
                let blind = edits.map { AnnotationEdit(key: $0.key, old: current[$0.key], new: $0.new) }
                return try await cluster.replace(blind, of: claim)
            }
            if let written { return written }
        } catch {
            guard error.kind == .unavailable else { throw error }
        }
        // The port's own rule: if the stored text equals the one that was to be written, this call has written it.
        let current = try await send(.claim) { () async throws(ClusterError) -> SimulatedCluster.StoredClaim? in
            cluster.state.withLock { $0.claims[claim.name] }
        }
        guard let current, current.identity == claim, edits.contains(where: \.isChange),
            edits.allSatisfy({ current.annotations[$0.key] == $0.new })
        else { return nil }
        return current.record
    }

    func setAutoApprove(_ isOn: Bool, of claim: ClaimIdentity) async throws(ClusterError) -> ClaimRecord? {
        try await send(.setAutoApprove) { () async throws(ClusterError) in
            try await cluster.setAutoApprove(isOn, of: claim)
        }
    }

    func commonGrants() async throws(ClusterError) -> StandingGrants {
        try await send(.commonGrants) { () async throws(ClusterError) in try await cluster.commonGrants() }
    }

    func addCommonGrant(_ grant: StandingGrant) async throws(ClusterError) {
        try await send(.addCommonGrant) { () async throws(ClusterError) in try await cluster.addCommonGrant(grant) }
    }
}

extension SimulatedReplicaPorts: PreviewObjects {
    func label(_ pod: PodIdentity, with run: RunLabel, at instant: Date) async throws(ClusterError) -> Bool {
        try await send(.labelPod) { () async throws(ClusterError) in
            try await cluster.label(pod, with: run, at: instant)
        }
    }

    func label(of pod: PodIdentity) async throws(ClusterError) -> PodLabel? {
        try await send(.podLabel) { () async throws(ClusterError) in try await cluster.label(of: pod) }
    }

    func unlabel(_ pod: PodIdentity, _ label: PodLabel) async throws(ClusterError) -> Bool {
        try await send(.unlabelPod) { () async throws(ClusterError) in try await cluster.unlabel(pod, label) }
    }

    func createService(for blueprint: PreviewBlueprint) async throws(ClusterError) -> PreviewBackend {
        try await send(.createService) { () async throws(ClusterError) -> PreviewBackend in
            let backend = try await cluster.createService(for: blueprint)
            world.model.serviceWasCreated(blueprint, by: number)
            return backend
        }
    }

    func createRoute(for blueprint: PreviewBlueprint) async throws(ClusterError) -> Preview {
        try await send(.createRoute) { () async throws(ClusterError) -> Preview in
            let preview = try await cluster.createRoute(for: blueprint)
            world.model.routeWasCreated(preview, by: number)
            return preview
        }
    }

    func route(_ token: PreviewToken) async throws(ClusterError) -> Preview? {
        if world.mutant == .refusalFromCopy, let copy { return copy.lastSeenRoute(token) }
        return try await send(.route) { () async throws(ClusterError) in try await cluster.route(token) }
    }

    func routes(
        reusing kept: @escaping @Sendable (PreviewToken) -> Preview?
    ) async throws(ClusterError) -> [Preview] {
        if world.mutant == .refusalFromCopy, let copied = copy?.routes() { return copied }
        return try await send(.routes) { () async throws(ClusterError) in try await cluster.routes(reusing: kept) }
    }

    func routes(of run: RunLabel) async throws(ClusterError) -> [(preview: Preview, status: RouteStatus)] {
        try await send(.routesOfRun) { () async throws(ClusterError) in try await cluster.routes(of: run) }
    }

    func status(ofRoute token: PreviewToken) async throws(ClusterError) -> RouteStatus? {
        try await send(.routeStatus) { () async throws(ClusterError) in try await cluster.status(ofRoute: token) }
    }

    func backend(_ token: PreviewToken) async throws(ClusterError) -> PreviewBackend? {
        try await send(.backend) { () async throws(ClusterError) in try await cluster.backend(token) }
    }

    func backends(
        reusing kept: @escaping @Sendable (PreviewToken) -> PreviewBackend?
    ) async throws(ClusterError) -> [PreviewBackend] {
        try await send(.backends) { () async throws(ClusterError) in try await cluster.backends(reusing: kept) }
    }

    func extend(
        _ preview: Preview,
        of run: RunLabel,
        to expiry: Date,
        if precondition: ExtensionPrecondition
    ) async throws(ClusterError) -> ExtensionOutcome {
        try await send(.extend) { () async throws(ClusterError) in
            try await cluster.extend(preview, of: run, to: expiry, if: precondition)
        }
    }

    func rewriteHost(of preview: Preview, to host: HostHeader) async throws(ClusterError) -> Preview? {
        try await send(.rewriteHost) { () async throws(ClusterError) in
            try await cluster.rewriteHost(of: preview, to: host)
        }
    }

    func setBackendProtocol(
        of preview: Preview,
        to backendProtocol: BackendProtocol
    ) async throws(ClusterError) -> Preview? {
        try await send(.setBackendProtocol) { () async throws(ClusterError) in
            try await cluster.setBackendProtocol(of: preview, to: backendProtocol)
        }
    }

    func deleteRoute(
        _ token: PreviewToken,
        _ precondition: DeletionPrecondition
    ) async throws(ClusterError) -> DeletionOutcome {
        try await send(.deleteRoute) { () async throws(ClusterError) in
            let before = world.model.snapshot(of: token)
            let outcome = try await cluster.deleteRoute(token, weakened(precondition))
            if outcome == .deleted { world.model.routeWasDeleted(token, before, precondition, by: number) }
            return outcome
        }
    }

    func deleteBackend(
        _ token: PreviewToken,
        _ precondition: DeletionPrecondition
    ) async throws(ClusterError) -> DeletionOutcome {
        try await send(.deleteBackend) { () async throws(ClusterError) in
            let outcome = try await cluster.deleteBackend(token, weakened(precondition))
            if outcome == .deleted { world.model.serviceWasDeleted(token, precondition, by: number) }
            return outcome
        }
    }

    private func weakened(_ precondition: DeletionPrecondition) -> DeletionPrecondition {
        guard world.mutant == .unconditionalDeletion, case .exactly(let uid, _) = precondition else {
            return precondition
        }
        return .uid(uid)
    }

    func livePods() async throws(ClusterError) -> [PodIdentity] {
        try await send(.livePods) { () async throws(ClusterError) in try await cluster.livePods() }
    }

    func isLive(_ pod: PodIdentity) async throws(ClusterError) -> Bool {
        try await send(.isLive) { () async throws(ClusterError) in try await cluster.isLive(pod) }
    }

    func isReady(_ pod: PodIdentity) async throws(ClusterError) -> Bool {
        try await send(.isPodReady) { () async throws(ClusterError) in try await cluster.isReady(pod) }
    }

    func claims() async throws(ClusterError) -> [ClaimIdentity] {
        try await send(.claims) { () async throws(ClusterError) in try await cluster.claims() }
    }

    func exists(_ claim: ClaimIdentity) async throws(ClusterError) -> Bool {
        try await send(.claimExists) { () async throws(ClusterError) in try await cluster.exists(claim) }
    }
}
