public import PreviewDomain

/// The rules by which previews are granted and ended.
public struct PreviewPolicy: Sendable {
    /// False answers every start with a conflict and lets the reaper rest.
    public var isEnabled: Bool
    public var ports: PortPolicy
    public var limits: PreviewLimits
    public var lifetime: LifetimePolicy
    /// How long half of a preview (a Service without its route, a route without its Service) may exist.
    public var orphanGrace: Duration
    /// The time between two sweeps, the safety net under the watch.
    public var sweepInterval: Duration
    /// How long a start waits for the gateway and the app before it answers what is wrong.
    public var readyTimeout: Duration

    public init(
        isEnabled: Bool,
        ports: PortPolicy,
        limits: PreviewLimits,
        lifetime: LifetimePolicy,
        orphanGrace: Duration,
        sweepInterval: Duration,
        readyTimeout: Duration
    ) {
        self.isEnabled = isEnabled
        self.ports = ports
        self.limits = limits
        self.lifetime = lifetime
        self.orphanGrace = orphanGrace
        self.sweepInterval = sweepInterval
        self.readyTimeout = readyTimeout
    }
}
