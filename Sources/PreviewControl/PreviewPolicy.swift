public import PreviewDomain

/// The rules by which previews are granted and ended.
public struct PreviewPolicy: Sendable {
    /// False answers every start with a conflict and lets the reaper rest.
    public var isEnabled: Bool
    public var ports: PortPolicy
    public var limits: PreviewLimits
    public var lifetime: LifetimePolicy
    /// How long half of a preview (a Service without its route, a route without its Service) may exist; at least
    /// ``shortestOrphanGrace``.
    public var orphanGrace: Duration
    /// The time between two sweeps, the safety net under the watch.
    public var sweepInterval: Duration
    /// For how long a replica reaps nothing for idleness after it has become able to record keepalives again.
    public var outageGrace: Duration
    /// How long a start waits for the gateway and the app before it answers what is wrong.
    public var readyTimeout: Duration
    /// Which host the app sees where the caller does not say.
    public var hostHeader: HostHeader
    /// Whether a run's pod carries the per-run label while the run has previews, for the platform's older service.
    public var labelsPods: Bool

    /// The longest time that a start's requests to the cluster may take in all, with a second for the last one to be carried
    /// out. Within it, a Service without a route may be half of a preview that is being made.
    public static let longestProvisioning = AnswerDeadline.limit + .seconds(1)
    /// The shortest grace time under which no start loses its Service. An object may be up to a second younger than it
    /// seems, because `creationTimestamp` has whole seconds.
    public static let shortestOrphanGrace = longestProvisioning + .seconds(1)

    public init(
        isEnabled: Bool,
        ports: PortPolicy,
        limits: PreviewLimits,
        lifetime: LifetimePolicy,
        orphanGrace: Duration,
        sweepInterval: Duration,
        outageGrace: Duration = .seconds(150),
        readyTimeout: Duration,
        hostHeader: HostHeader = .auto,
        labelsPods: Bool = false
    ) {
        self.isEnabled = isEnabled
        self.ports = ports
        self.limits = limits
        self.lifetime = lifetime
        self.orphanGrace = orphanGrace
        self.sweepInterval = sweepInterval
        self.outageGrace = outageGrace
        self.readyTimeout = readyTimeout
        self.hostHeader = hostHeader
        self.labelsPods = labelsPods
    }
}
