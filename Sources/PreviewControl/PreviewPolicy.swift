public import PreviewDomain

/// The rules by which previews are started and ended.
public struct PreviewPolicy: Sendable {
    /// False rejects every start with a conflict and disables the reaper.
    public var isEnabled = true
    public var ports = PortPolicy()
    public var limits = PreviewLimits()
    public var lifetime = LifetimePolicy()
    /// How long a Service without its route, or a route without its Service, may exist; at least
    /// ``shortestOrphanGrace``.
    public var orphanGrace = Duration.seconds(120)
    /// The time between two sweeps, which complement the watches.
    public var sweepInterval = Duration.seconds(60)
    /// How long a replica deletes no idle previews after it has become able to record keepalives again.
    public var outageGrace = Duration.seconds(150)
    /// How long a start waits for the gateway and the app before it reports the problem.
    public var readyTimeout = Duration.seconds(10)
    /// The host that the app receives if the caller does not specify one.
    public var hostHeader = HostHeader.auto
    /// Whether a run's pod has the per-run label while the run has previews, for the platform's older service.
    public var labelsPods = false

    /// The longest time that a start's requests to the cluster may take in all, including a second in which the last
    /// one is carried out. Within this time, a Service without a route may belong to a preview that is being created.
    public static let longestProvisioning = ResponseDeadline.limit + .seconds(1)
    /// The shortest grace time with which no start loses its Service. An object may be up to a second younger than it
    /// appears, because `creationTimestamp` has whole seconds.
    public static let shortestOrphanGrace = longestProvisioning + .seconds(1)
    /// How often viewers ping at least.
    static let pingInterval = Duration.seconds(60)

    /// The shortest ``outageGrace`` in which each viewer that pings has been heard, whichever replica it asks.
    ///
    /// The replica that reaches the API server first counts its grace time from then. At that moment a keepalive may hang in
    /// another replica, for as long as a caller waits there. Only after it has failed does the viewer ping again.
    public var shortestOutageGrace: Duration {
        ResponseDeadline.limit + min(Self.pingInterval, lifetime.idleTimeout / 2)
    }

    /// Creates the default policy.
    public init() {}
}
