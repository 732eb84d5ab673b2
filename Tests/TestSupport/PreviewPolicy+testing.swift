public import PreviewControl
public import PreviewDomain

extension PreviewPolicy {
    /// The default policy except for the limits, with no grace after an outage and no wait for the gateway.
    public static func testing(
        limits: PreviewLimits = PreviewLimits(perRun: 3, global: 5),
        lifetime: LifetimePolicy = LifetimePolicy(),
        sweepInterval: Duration = .seconds(60),
        outageGrace: Duration = .zero,
        labelsPods: Bool = false
    ) -> PreviewPolicy {
        var policy = PreviewPolicy()
        policy.limits = limits
        policy.lifetime = lifetime
        policy.sweepInterval = sweepInterval
        policy.outageGrace = outageGrace
        policy.readyTimeout = .zero
        policy.labelsPods = labelsPods
        return policy
    }
}
