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
        PreviewPolicy(
            isEnabled: true,
            ports: PortPolicy(),
            limits: limits,
            lifetime: lifetime,
            orphanGrace: .seconds(120),
            sweepInterval: sweepInterval,
            outageGrace: outageGrace,
            readyTimeout: .zero,
            labelsPods: labelsPods
        )
    }
}
