public import Logging
public import Metrics
public import PreviewDomain
public import ServiceLifecycle

/// The core of one replica: it starts previews, with a human's approval if one is required, keeps them alive, stops
/// them, and deletes them at their deadlines.
///
/// Nothing runs until ``mirrorRunner``, ``reaper``, ``approvalExpiry``, ``follower`` and ``podLabels`` do.
public struct ReplicaCore: Sendable {
    /// This replica's copy of the cluster, which ``mirrorRunner`` keeps up to date.
    public let mirror: ClusterMirror
    public let brake: Brake
    /// Tracks whether the API server answers, and whether idle previews are deleted.
    public let outage: OutageGuard
    public let previews: Previews
    public let gate: AgentPreviewGate
    public let mirrorRunner: MirrorRunner
    public let reaper: Reaper
    public let approvalExpiry: ApprovalExpiryController
    public let follower: ReadinessFollower
    /// Runs only if ``labelsPods`` is true.
    public let podLabels: PodLabelController
    public let labelsPods: Bool

    /// - Parameters:
    ///   - mirror: The copy that the ports read, if they read one.
    ///   - approvalPolicy: The rules by which an agent's preview needs a human's approval.
    ///   - facts: Further information about runs; nil if no core API is configured.
    ///   - timeline: Receives the events of previews and approvals.
    ///   - time: The clock for all measurements and waits.
    ///   - randomBytes: A cryptographically secure source. If it fails, no preview is started.
    ///   - spread: Returns a number in 0..<1 for a preview, always the same one, and a different one in other replicas.
    ///   - jitter: Returns a number in 0..<1, by which replicas spread work that all of them do.
    ///   - metrics: Counts the work of the use cases and the reaper.
    public init(
        _ cluster: ClusterPorts,
        mirror: ClusterMirror? = nil,
        policy: PreviewPolicy,
        approvalPolicy: ApprovalPolicy = ApprovalPolicy(),
        facts: (any RunFactsSource)? = nil,
        timeline: any Timeline,
        time: MonotonicTime,
        randomBytes: @escaping RandomBytes,
        spread: @escaping @Sendable (PreviewToken) -> Double = ClusterMirror.randomSpread,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        metrics: any MetricsFactory = MetricsSystem.factory,
        logger: Logger
    ) {
        let metrics = PreviewMetrics(metrics, refused: RefusedStarts(time: time, logger: logger))
        let timeline = LoggedTimeline(timeline, time: time, logger: logger)
        outage = OutageGuard(policy: policy, clusterTime: cluster.time, time: time, logger: logger)
        let mirror = mirror ?? ClusterMirror(policy: policy, spread: spread)
        self.mirror = mirror
        brake = Brake(policy: policy, time: time, logger: logger)
        previews = Previews(
            policy: policy,
            sandboxes: cluster.sandboxes,
            objects: cluster.objects,
            clusterTime: cluster.time,
            probe: cluster.probe,
            mirror: mirror,
            brake: brake,
            outage: outage,
            timeline: timeline,
            randomBytes: randomBytes,
            time: time,
            metrics: metrics,
            logger: logger
        )
        gate = AgentPreviewGate(
            policy: approvalPolicy,
            previews: previews,
            store: cluster.approvals,
            mirror: mirror,
            facts: facts,
            timeline: timeline
        )
        reaper = Reaper(
            policy: policy,
            mirror: mirror,
            feed: cluster.feed,
            objects: cluster.objects,
            clusterTime: cluster.time,
            brake: brake,
            outage: outage,
            timeline: timeline,
            time: time,
            jitter: jitter,
            metrics: metrics,
            logger: logger
        )
        mirrorRunner = MirrorRunner(
            mirror: mirror,
            feed: cluster.feed,
            clusterTime: cluster.time,
            outage: outage,
            time: time,
            logger: logger
        )
        approvalExpiry = ApprovalExpiryController(gate: gate, jitter: jitter)
        follower = ReadinessFollower(previews: previews)
        labelsPods = policy.labelsPods
        podLabels = PodLabelController(
            policy: policy,
            mirror: mirror,
            objects: cluster.objects,
            clusterTime: cluster.time,
            time: time,
            logger: logger
        )
    }
}

/// A service that ServiceLifecycle logs by its name alone.
public protocol NamedService: Service, CustomStringConvertible {}

extension NamedService {
    public var description: String { "\(Self.self)" }
}
