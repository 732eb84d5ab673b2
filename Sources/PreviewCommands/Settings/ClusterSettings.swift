internal import PreviewControl
internal import PreviewDomain

/// The settings that every command needs: the place of previews in the cluster, and the policy for their lifetime.
struct ClusterSettings: Sendable {
    var namespace: String
    var gatewayName: String
    var gatewayNamespace: String
    /// The zone of the previews' host names. Without one no preview can be started.
    var zone: ZoneSuffix?
    /// The longest time for which a connection through a preview may stay open; `nil` for the preview's longest lifetime.
    var connectionLimit: Duration?
    var policy: PreviewPolicy

    /// - Throws: One line that names the key, its value and what is allowed. Keys that belong to no command's settings are
    ///   rejected too.
    init(_ sources: SettingsSources) throws(SettingsError) {
        try sources.checkKeys(known: Settings.keys)
        namespace = try sources.value(of: Settings.Keys.namespace, default: "agentweaver")
        gatewayName = try sources.value(of: Settings.Keys.gatewayName, default: "agentweaver-preview-gateway")
        gatewayNamespace = try sources.value(of: Settings.Keys.gatewayNamespace, default: "agentweaver")
        zone = try sources.value(of: Settings.Keys.zoneSuffix)
        connectionLimit = try sources.value(of: Settings.Keys.maxConnection)
        policy = try Self.policy(sources)
    }

    private static func policy(_ sources: SettingsSources) throws(SettingsError) -> PreviewPolicy {
        typealias Keys = Settings.Keys
        let lowest = try sources.value(of: Keys.allowedPortMin, default: 3000)
        let highest = try sources.value(of: Keys.allowedPortMax, default: 9000)
        guard lowest <= highest else {
            throw SettingsError(
                "\(Keys.allowedPortMin.key) is \(lowest): expected at most \(Keys.allowedPortMax.key), which is \(highest)"
            )
        }
        return PreviewPolicy(
            isEnabled: try sources.value(of: Keys.enabled, default: true),
            ports: PortPolicy(allowed: lowest...highest),
            limits: PreviewLimits(
                perRun: try sources.value(of: Keys.maxPerRun, default: 3),
                global: try sources.value(of: Keys.maxGlobal, default: 20)
            ),
            lifetime: LifetimePolicy(
                idleTimeout: try sources.value(of: Keys.idleTimeout, default: .seconds(30 * 60)),
                maxLifetime: try sources.value(of: Keys.maxLifetime, default: .seconds(8 * 3600)),
                keepaliveCoalesce: try sources.value(of: Keys.keepaliveCoalesce, default: .seconds(180)),
                keepsAfterRun: try sources.value(of: Keys.keepAfterRun, default: true)
            ),
            orphanGrace: try sources.value(of: Keys.orphanGrace, default: .seconds(120)),
            sweepInterval: try sources.value(of: Keys.sweepInterval, default: .seconds(60)),
            outageGrace: try sources.value(of: Keys.outageGrace, default: .seconds(150)),
            readyTimeout: try sources.value(of: Keys.readyTimeout, default: .seconds(10)),
            hostHeader: try sources.value(of: Keys.hostHeader, default: .auto),
            labelsPods: try sources.value(of: Keys.labelPods, default: false)
        )
    }
}
