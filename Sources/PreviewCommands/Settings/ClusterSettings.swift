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
        namespace = try sources.value(of: Settings.Keys.namespace)
        gatewayName = try sources.value(of: Settings.Keys.gatewayName)
        gatewayNamespace = try sources.value(of: Settings.Keys.gatewayNamespace)
        zone = try sources.value(of: Settings.Keys.zoneSuffix)
        connectionLimit = try sources.value(of: Settings.Keys.maxConnection)
        policy = try Self.policy(sources)
    }

    private static func policy(_ sources: SettingsSources) throws(SettingsError) -> PreviewPolicy {
        typealias Keys = Settings.Keys
        let lowest = try sources.value(of: Keys.allowedPortMin)
        let highest = try sources.value(of: Keys.allowedPortMax)
        guard lowest <= highest else {
            throw SettingsError(
                "\(Keys.allowedPortMin.key) is \(lowest): expected at most \(Keys.allowedPortMax.key), which is \(highest)"
            )
        }
        var policy = PreviewPolicy()
        policy.isEnabled = try sources.value(of: Keys.enabled)
        policy.ports = PortPolicy(allowed: lowest...highest)
        policy.limits = PreviewLimits(
            perRun: try sources.value(of: Keys.maxPerRun),
            global: try sources.value(of: Keys.maxGlobal)
        )
        policy.lifetime = LifetimePolicy(
            idleTimeout: try sources.value(of: Keys.idleTimeout),
            maxLifetime: try sources.value(of: Keys.maxLifetime),
            keepaliveCoalesce: try sources.value(of: Keys.keepaliveCoalesce),
            keepsAfterRun: try sources.value(of: Keys.keepAfterRun)
        )
        policy.orphanGrace = try sources.value(of: Keys.orphanGrace)
        policy.sweepInterval = try sources.value(of: Keys.sweepInterval)
        policy.outageGrace = try sources.value(of: Keys.outageGrace)
        policy.readyTimeout = try sources.value(of: Keys.readyTimeout)
        policy.hostHeader = try sources.value(of: Keys.hostHeader)
        policy.labelsPods = try sources.value(of: Keys.labelPods)
        return policy
    }
}
