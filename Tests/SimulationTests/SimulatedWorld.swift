import FoundationEssentials
import Logging
import PreviewDomain
import Synchronization

@testable import PreviewControl
@testable import TestSupport

/// A fault that a simulation contains on purpose, in a port, in the policy, or in front of the replicas.
enum Mutant: String, Sendable, CaseIterable {
    case unconditionalDeletion, blindConsumption, localClock, reorderedDelivery, brakeAsReadiness
    case refusalFromCopy
}

/// Three replicas of the control logic on one simulated cluster, and the outcomes of their requests.
final class SimulatedWorld: Sendable {
    /// One incarnation of a replica.
    struct Replica: Sendable {
        let ports: SimulatedReplicaPorts
        let core: ReplicaCore
        let task: Task<Void, Never>
        let since: Duration
    }

    /// The outcome of one request, and how long it is under way.
    struct Delivery: Sendable {
        enum Outcome: Sendable { case answered, refused(ClusterError), responseLost }

        var requestDelay: Duration
        var responseDelay: Duration
        var outcome: Outcome = .answered
    }

    private struct Call {
        let replica: Int
        let cancel: @Sendable () -> Void
    }

    private struct State {
        var replicas: [Int: Replica] = [:]
        var calls: [Int: Call] = [:]
        var crashed: [Task<Void, Never>] = []
        var isOver = false
        var nextCall = 0
        var outageUntil = Duration.zero
        var splitUntil: [Int: Duration] = [:]
        var frozenUntil: [Int: Duration] = [:]
        var frozenCollections: [Int: Set<ClusterCollection>] = [:]
        var faultsUntil = Duration.zero
        var faultRate = 0.0
        var deletionsRefusedUntil = Duration.zero
        var lastDisturbance = Duration.zero
        var eventCount = 0
        var history: [String]?
    }

    static let runs = ["3f2a9c1e-0000-4000-8000-000000000001", "3f2a9c1e-0001-4000-8000-000000000002"]
        .compactMap { try? RunID($0) }
    static let agent = "agent"
    static let replicaCount = 3

    let executor: SimulatedExecutor
    let random: SeededRandom
    let cluster = SimulatedCluster()
    let mutant: Mutant?
    let policy: PreviewPolicy
    private let state: Mutex<State>
    private let modelBox = Mutex<SimulationModel?>(nil)
    var model: SimulationModel {
        modelBox.withLock { box in
            if let box { return box }
            let model = SimulationModel(self)
            box = model
            return model
        }
    }

    init(seed: UInt64, mutant: Mutant?, recordsHistory: Bool) {
        executor = SimulatedExecutor(seed: seed)
        random = SeededRandom(seed: seed &+ 0x5151)
        self.mutant = mutant
        policy = PreviewPolicy.testing(
            limits: PreviewLimits(perRun: 3, global: 5),
            lifetime: LifetimePolicy(idleTimeout: .seconds(300), maxLifetime: .seconds(1500)),
            outageGrace: .seconds(150)
        )
        state = Mutex(State(history: recordsHistory ? [] : nil))
        for (index, run) in Self.runs.enumerated() { cluster.addSandbox(for: run, owner: nil, pod: "pod-\(index)") }
    }

    // MARK: Records

    func addToHistory(_ text: @autoclosure () -> String) {
        guard state.withLock({ $0.history != nil }) else { return }
        let line = "\(executor.now / .seconds(1)) s  \(text())"
        state.withLock { $0.history?.append(line) }
    }

    var history: [String] { state.withLock { $0.history ?? [] } }
    /// The number of requests, deliveries, calls and events of the plan.
    var eventCount: Int { state.withLock { $0.eventCount } }
    func countEvent() { state.withLock { $0.eventCount += 1 } }

    // MARK: Disturbances

    var lastDisturbance: Duration {
        state.withLock { state in
            ([state.lastDisturbance, state.outageUntil, state.faultsUntil, state.deletionsRefusedUntil]
                + state.splitUntil.values + state.frozenUntil.values).filter { $0 <= executor.now }.max() ?? .zero
        }
    }

    /// Whether anything fails at the moment.
    private func isDisturbed(_ state: State) -> Bool {
        ([state.outageUntil, state.faultsUntil, state.deletionsRefusedUntil]
            + state.splitUntil.values + state.frozenUntil.values).contains { $0 > executor.now }
    }

    private func disturb(_ change: (inout State) -> Void) {
        let now = executor.now
        state.withLock { state in
            state.lastDisturbance = now
            change(&state)
        }
    }

    /// Sets `lastDisturbance` to the present while anything fails.
    func updateDisturbance() {
        let now = executor.now
        state.withLock { if isDisturbed($0) { $0.lastDisturbance = now } }
    }

    func skew(of replica: Int) -> Duration { [.seconds(600), .zero, .seconds(-600)][replica] }

    func isFrozen(_ collection: ClusterCollection, of replica: Int) -> Bool {
        let now = executor.now
        return state.withLock { state in
            if let until = state.splitUntil[replica], until > now { return true }
            if state.outageUntil > now { return true }
            guard let until = state.frozenUntil[replica], until > now else { return false }
            return state.frozenCollections[replica]?.contains(collection) == true
        }
    }

    /// Reopens a replica's silent watches.
    func reopenWatches(of replica: Int) { state.withLock { $0.frozenUntil[replica] = nil } }

    func delivery(of operation: SimulatedCluster.Operation, from replica: Int) -> Delivery {
        let now = executor.now
        func milliseconds(_ limit: UInt64) -> Duration { .milliseconds(Int64(1 + random.next() % limit)) }
        var delivery = Delivery(requestDelay: milliseconds(15), responseDelay: milliseconds(15))
        state.withLock { state in
            state.eventCount += 1
            if state.outageUntil > now || (state.splitUntil[replica] ?? .zero) > now {
                delivery.requestDelay = random.unit() < 0.8 ? milliseconds(20) : .seconds(20)
                delivery.outcome = .refused(ClusterError(.unavailable, "the API server cannot be reached"))
            } else if state.deletionsRefusedUntil > now, operation == .deleteRoute {
                delivery.outcome = .refused(ClusterError(.refused, "the API server answered 403"))
            } else if state.faultsUntil > now, random.unit() < state.faultRate {
                switch random.next() % 6 {
                case 0: delivery.outcome = .refused(ClusterError(.unavailable, "the API server answered 500"))
                case 1:
                    delivery.outcome = .refused(ClusterError(.busy, "the API server is busy", retryAfter: .seconds(1)))
                case 2: delivery.outcome = .responseLost
                case 3: delivery.requestDelay = milliseconds(12_000)
                case 4: delivery.responseDelay = milliseconds(12_000)
                default:
                    let isCreation = operation == .createService || operation == .createRoute
                    let quota = ClusterError(.quotaExceeded, "the quota is used up")
                    delivery.outcome = isCreation ? .refused(quota) : .responseLost
                }
            }
        }
        return delivery
    }

    // MARK: Replicas

    func startReplica(_ number: Int) {
        guard state.withLock({ $0.replicas[number] == nil }) else { return }
        addToHistory("replica \(number) starts")
        let ports = SimulatedReplicaPorts(number: number, world: self)
        let bytes = SeededRandom(seed: random.next())
        let spread = SeededRandom(seed: random.next())
        let core = ReplicaCore(
            ports.ports,
            policy: policy,
            approvalPolicy: ApprovalPolicy(window: .seconds(120)),
            timeline: NoTimeline(),
            time: MonotonicTime(SimulatedClock(executor: executor, isAlive: { ports.isAlive })),
            randomBytes: { bytes.bytes($0) },
            spread: { _ in spread.unit() },
            jitter: { spread.unit() },
            logger: .silent
        )
        ports.attach(core.mirror)
        let task = Task(executorPreference: executor) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await core.mirrorRunner.run() }
                group.addTask { try? await core.reaper.run() }
                group.addTask { try? await core.approvalExpiry.run() }
            }
        }
        let replica = Replica(ports: ports, core: core, task: task, since: executor.now)
        state.withLock { $0.replicas[number] = replica }
    }

    /// Ends a replica at any point: requests that have not taken effect by then never do.
    func crash(_ number: Int) {
        guard let replica = state.withLock({ $0.replicas.removeValue(forKey: number) }) else { return }
        addToHistory("replica \(number) crashes")
        disturb { _ in }
        replica.ports.kill()
        let calls = state.withLock { state in
            state.calls.filter { $0.value.replica == number }.sorted { $0.key < $1.key }
        }
        for call in calls { call.value.cancel() }
        // Its tasks stay suspended until the end, because a cancellation would let them continue.
        state.withLock { $0.crashed.append(replica.task) }
    }

    private var readyReplicas: [Replica] {
        state.withLock { $0.replicas.sorted { $0.key < $1.key }.map(\.value) }.filter { replica in
            mutant == .brakeAsReadiness ? replica.core.brake.reason == nil : replica.core.brake.hasSweepBeenTried
        }
    }

    var hasReadyReplica: Bool { !readyReplicas.isEmpty }
    /// Whether a replica has run for long enough to answer requests.
    var hasEstablishedReplica: Bool {
        state.withLock { $0.replicas.values.contains { executor.now - $0.since > .seconds(60) } }
    }

    enum CallResult<Value: Sendable>: Sendable {
        case value(Value)
        case refused(PreviewError)
        /// The connection ended, or no replica was ready.
        case lost
    }

    /// Sends a caller's request to a random replica that is ready.
    func call<Value: Sendable>(
        _ work: @escaping @Sendable (ReplicaCore) async throws -> Value
    ) async -> CallResult<Value> {
        countEvent()
        let ready = readyReplicas
        guard !ready.isEmpty else { return .lost }
        let replica = ready[Int(random.next() % UInt64(ready.count))]
        let (answers, answer) = AsyncStream.makeStream(of: CallResult<Value>.self)
        let task = Task(executorPreference: executor) {
            do {
                answer.yield(.value(try await work(replica.core)))
            } catch {
                answer.yield((error as? PreviewError).map { .refused($0) } ?? .lost)
            }
        }
        let id = state.withLock { state in
            state.nextCall += 1
            state.calls[state.nextCall] = Call(replica: replica.ports.number) { answer.finish() }
            return state.nextCall
        }
        defer { state.withLock { $0.calls[id] = nil } }
        return await withTaskCancellationHandler {
            for await result in answers { return replica.ports.isAlive ? result : .lost }
            return .lost
        } onCancel: {
            task.cancel()
        }
    }

    /// Ends everything that still runs.
    func shutDown() {
        for number in 0..<Self.replicaCount { crash(number) }
        for task in state.withLock({ $0.crashed }) { task.cancel() }
        executor.drain()
    }

    /// Whether all callers have ended and everything was checked.
    var isOver: Bool { state.withLock { $0.isOver } }
    func end() { state.withLock { $0.isOver = true } }

    // MARK: The plan

    func carryOut(_ kind: SimulationPlan.Kind) {
        countEvent()
        addToHistory("plan: \(kind)")
        let now = executor.now
        switch kind {
        case .preview, .agent, .autoApprove, .crash:
            break
        case .podReplaced(let run):
            disturb { _ in }
            cluster.replacePod(of: Self.runs[run])
        case .outage(let duration):
            disturb { $0.outageUntil = max($0.outageUntil, now + duration) }
        case .split(let replica, let duration):
            disturb { $0.splitUntil = [replica: now + duration] }
        case .frozenWatches(let replica, let duration):
            let collections = ClusterCollection.allCases.filter { _ in random.next() % 2 == 0 }
            disturb {
                $0.frozenUntil[replica] = now + duration
                $0.frozenCollections[replica] = Set(collections)
            }
        case .faults(let rate, let duration):
            disturb {
                $0.faultRate = rate
                $0.faultsUntil = max($0.faultsUntil, now + duration)
            }
        case .refusedDeletions(let duration):
            disturb { $0.deletionsRefusedUntil = max($0.deletionsRefusedUntil, now + duration) }
        }
    }
}

private struct NoTimeline: Timeline {
    func record(_ event: TimelineEvent) {}
}
