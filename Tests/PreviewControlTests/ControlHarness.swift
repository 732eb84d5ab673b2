import FoundationEssentials
import Logging
import PreviewDomain
import PrometheusMetrics
import TestSupport

@testable import PreviewControl

/// One replica of the service's core on a simulated cluster.
struct ControlHarness: Sendable {
    let cluster: SimulatedCluster
    let clock: ManualClock
    let index: PreviewIndex
    let brake: Brake
    let timeline: RecordingTimeline
    let metrics = PrometheusRegistry()
    let previews: Previews
    let reaper: Reaper

    static let run = run("3f2a9c1e-0000-4000-8000-000000000001")
    static let otherRun = run("7b1d0c44-0000-4000-8000-000000000002")

    init(
        cluster: SimulatedCluster = SimulatedCluster(),
        policy: PreviewPolicy = .testing,
        seed: UInt64 = 1,
        isReady: Bool = true,
        spread: Double = 0,
        timeline: RecordingTimeline = RecordingTimeline(),
        randomBytes: RandomBytes? = nil
    ) async throws {
        self.cluster = cluster
        self.timeline = timeline
        clock = ManualClock()
        let time = MonotonicTime(clock)
        index = PreviewIndex(policy: policy) { _ in spread }
        brake = Brake(policy: policy, time: time)
        let random = SeededRandom(seed: seed)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        previews = Previews(
            policy: policy,
            sandboxes: cluster,
            objects: cluster,
            clusterTime: cluster,
            probe: cluster,
            index: index,
            brake: brake,
            timeline: timeline,
            randomBytes: randomBytes ?? { random.bytes($0) },
            time: time,
            metrics: PreviewMetrics(metrics),
            logger: logger
        )
        reaper = Reaper(
            policy: policy,
            index: index,
            feed: cluster,
            objects: cluster,
            clusterTime: cluster,
            brake: brake,
            timeline: timeline,
            time: time,
            jitter: { 0 },
            metrics: PreviewMetrics(metrics),
            logger: logger
        )
        if isReady {
            try await reaper.sweep()
            cluster.clearLog()
        }
    }

    /// Runs the reaper beside `work`, and ends it afterwards.
    func withReaper(_ work: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reaper.run() }
            try await work()
            group.cancelAll()
        }
    }

    /// Lets everything else run until `condition` holds.
    func until(_ condition: @Sendable () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    static func run(_ text: String) -> RunID {
        guard let run = try? RunID(text) else { preconditionFailure("not a run id: \(text)") }
        return run
    }
}

extension PreviewPolicy {
    static var testing: PreviewPolicy { testing() }

    static func testing(keepsAfterRun: Bool = true) -> PreviewPolicy {
        PreviewPolicy(
            isEnabled: true,
            ports: PortPolicy(allowed: 3000...9000),
            limits: PreviewLimits(perRun: 3, global: 5),
            lifetime: LifetimePolicy(
                idleTimeout: .seconds(1800),
                maxLifetime: .seconds(28_800),
                keepaliveCoalesce: .seconds(180),
                keepsAfterRun: keepsAfterRun
            ),
            orphanGrace: .seconds(120),
            sweepInterval: .seconds(60),
            readyTimeout: .zero
        )
    }
}
