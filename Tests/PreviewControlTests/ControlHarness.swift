import FoundationEssentials
import PreviewDomain
import PrometheusMetrics
import TestSupport

@testable import PreviewControl

/// One replica of the service's core on a simulated cluster.
struct ControlHarness: Sendable {
    let cluster: SimulatedCluster
    let clock = ManualClock()
    let timeline: RecordingTimeline
    let metrics = PrometheusRegistry()
    let core: ReplicaCore

    var mirror: ClusterMirror { core.mirror }
    var brake: Brake { core.brake }
    var outage: OutageGuard { core.outage }
    var previews: Previews { core.previews }
    var reaper: Reaper { core.reaper }

    static let run = RunID.sample
    static let otherRun = RunID.known("7b1d0c44-0000-4000-8000-000000000002")

    init(
        cluster: SimulatedCluster = SimulatedCluster(),
        policy: PreviewPolicy = .testing(),
        approvalPolicy: ApprovalPolicy = ApprovalPolicy(),
        facts: (any RunFactsSource)? = nil,
        seed: UInt64 = 1,
        isReady: Bool = true,
        spread: Double = 0,
        timeline: RecordingTimeline = RecordingTimeline(),
        log: RecordedLog = RecordedLog(),
        randomBytes: RandomBytes? = nil
    ) async throws {
        self.cluster = cluster
        self.timeline = timeline
        let random = SeededRandom(seed: seed)
        core = ReplicaCore(
            cluster.ports,
            policy: policy,
            approvalPolicy: approvalPolicy,
            facts: facts,
            timeline: timeline,
            time: MonotonicTime(clock),
            randomBytes: randomBytes ?? { random.bytes($0) },
            spread: { _ in spread },
            jitter: { 0 },
            metrics: metrics,
            logger: log.logger
        )
        if isReady {
            try await reaper.sweep()
            cluster.clearLog()
        }
    }

    /// Starts a preview of a new pod of the first run, and clears the cluster's log.
    @discardableResult
    func startPreview(port: Int = 3000) async throws -> (token: PreviewToken, pod: PodIdentity) {
        let pod = cluster.addSandbox(for: Self.run)
        let token = try await previews.start(run: Self.run, port: port, requester: "ada").session.token
        cluster.clearLog()
        return (token, pod)
    }

    /// Runs the reaper while `work` runs.
    func withReaper(_ work: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await core.mirrorRunner.run() }
            group.addTask { try await reaper.run() }
            try await work()
            group.cancelAll()
        }
    }

    /// Runs the reaper while `work` runs, which begins once the copies are complete and the reaper sleeps.
    func withSleepingReaper(_ work: @escaping @Sendable () async throws -> Void) async throws {
        try await withReaper {
            await waitUntil { mirror.isFresh }
            await clock.waitForSleepers(2)
            try await work()
        }
    }

    /// Advances the cluster's clock and this replica's.
    func advance(by duration: Duration) {
        cluster.advance(by: duration)
        clock.advance(by: duration)
    }
}
