import PreviewDomain
import TestSupport

@testable import PreviewControl

/// Several replicas of the gate on one simulated cluster.
struct GateHarness: Sendable {
    let cluster: SimulatedCluster
    let timeline = RecordingTimeline()
    let replicas: [ControlHarness]

    static let run = ControlHarness.run

    init(
        replicas count: Int = 2,
        approvals: ApprovalPolicy = ApprovalPolicy(),
        facts: [RunID: RunFacts]? = nil,
        outageGrace: Duration = .zero,
        seed: UInt64 = 1
    ) async throws {
        let cluster = SimulatedCluster()
        let timeline = timeline
        self.cluster = cluster
        var replicas: [ControlHarness] = []
        for number in 0..<count {
            let replica = try await ControlHarness(
                cluster: cluster,
                // No reaper runs here, and the brake must not engage during long waits because sweeps are missing.
                policy: .testing(sweepInterval: .seconds(3600), outageGrace: outageGrace),
                approvalPolicy: approvals,
                facts: facts.map { KnownFacts(facts: $0) },
                seed: seed &* 31 &+ UInt64(number),
                timeline: timeline
            )
            replica.mirror.apply(.routes(.replaced([])))
            replicas.append(replica)
        }
        self.replicas = replicas
        cluster.addSandbox(for: Self.run)
    }

    subscript(_ number: Int) -> AgentPreviewGate { replicas[number].core.gate }

    /// Runs `work` once every replica's copies are up to date, with the approval keepers and the watches of all
    /// replicas.
    func run(_ work: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for replica in replicas {
                group.addTask { try await replica.core.approvalExpiry.run() }
                group.addTask { try await cluster.run { replica.mirror.apply($0, at: cluster.reading()) } }
            }
            for replica in replicas {
                await waitUntil {
                    replica.mirror.commonGrants() != nil && replica.mirror.claim(named: Self.run.claimName) != nil
                }
            }
            cluster.clearLog()
            try await work()
            group.cancelAll()
        }
    }

    /// Requests a preview from a replica; returns once the request waits for a decision.
    func requestPreview(
        _ number: Int = 0,
        port: Int = 3000
    ) async throws -> (pending: Approval, start: Task<StartedPreview, any Error>) {
        try await self[number].ask(for: Self.run, port: port)
    }

    /// Advances the clocks of all replicas, but not the cluster's, in small steps until `work` has ended.
    func whileTimePasses<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await runWork(work) {
            for replica in replicas { replica.clock.advance(by: .milliseconds(20)) }
            for _ in 0..<10 { await Task.yield() }
        }
    }

    /// Requests a preview from a replica whose copies show the cluster's present state and are not updated afterwards.
    func requestWithStaleCopies(port: Int = 3000) async throws -> (
        pending: Approval, start: Task<StartedPreview, any Error>
    ) {
        try await updateClaimCopy(of: 0)
        replicas[0].mirror.apply(.grants(cluster.standingGrants))
        return try await requestPreview(0, port: port)
    }

    /// A run's claim in the cluster.
    func claim(of run: RunID = GateHarness.run) async throws -> ClaimRecord? { try await cluster.claim(of: run) }

    /// Updates a replica's copy of the run's claim.
    func updateClaimCopy(of number: Int) async throws {
        let claim = try await claim()
        replicas[number].core.mirror.apply(.claims(.replaced(claim.map { [RunClaim($0)] } ?? [])))
    }

    var states: [Approval.State] { cluster.approvals(of: Self.run).map(\.state) }

    /// Advances the cluster's clock and those of all replicas.
    func advance(by duration: Duration) {
        cluster.advance(by: duration)
        for replica in replicas { replica.clock.advance(by: duration) }
    }

    /// The kinds of the recorded events. The replica that decides records the decision, and the one that waits records
    /// the start, so that these two can be in either order; here the decision comes first.
    var kinds: [TimelineEvent.Kind] {
        var kinds = timeline.events.map(\.kind)
        for index in kinds.indices.dropFirst() where kinds[index] == .approved && kinds[index - 1] == .started {
            kinds.swapAt(index, index - 1)
        }
        return kinds
    }

    /// The operations that created or labelled something for a preview.
    var provisioning: [SimulatedCluster.Operation] {
        cluster.log.filter { [.labelPod, .createService, .createRoute].contains($0) }
    }
}

extension ClusterChange {
    /// A change after which the preview Gateway has these standing grants.
    static func grants(_ grants: StandingGrants) -> ClusterChange {
        .gateways(.replaced([GatewayRecord(name: "gateway", grants: grants)]))
    }
}

private struct KnownFacts: RunFactsSource {
    let facts: [RunID: RunFacts]

    func facts(of run: RunID) async -> RunFacts? { facts[run] }
    func forget(_ run: RunID) {}
}

extension AgentPreviewGate {
    /// The error of a start that is refused.
    func refusal(run: RunID = GateHarness.run, port: Int = 3000, requester: String = "agent") async -> PreviewError? {
        do {
            _ = try await start(run: run, port: port, requester: requester)
            return nil
        } catch {
            return error
        }
    }
}

extension ClusterMirror {
    /// Whether the copies of the run's claim and of the common grants equal the cluster's.
    func isUpToDate(with cluster: SimulatedCluster) -> Bool {
        guard let claim = claim(named: GateHarness.run.claimName) else { return false }
        return claim.ledger == ApprovalLedger(annotations: cluster.claimAnnotations(of: GateHarness.run))
            && commonGrants() == cluster.standingGrants
    }
}
