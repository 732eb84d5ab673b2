internal import CoreAPI
internal import Logging
internal import PreviewControl
internal import PreviewDomain

/// Everything that `serve` can be told, checked and typed.
struct Settings: Sendable {
    var address: PreviewAddress
    var namespace: String
    var gatewayName: String
    var gatewayNamespace: String
    var policy: PreviewPolicy
    /// Where the platform's core API is; `nil` without one.
    var coreAPI: CoreAPIBaseURL?
    var identity: IdentitySettings
    var approvals: ApprovalPolicy
    var server: ServerSettings
    var logLevel: Logger.Level

    /// Reads all settings.
    ///
    /// - Throws: One line that names the key, its value and what is allowed.
    init(_ sources: SettingsSources) throws(SettingsError) {
        try sources.checkKeys(known: Keys.all)
        address = try Self.address(sources)
        namespace = try sources.value(of: Keys.namespace, default: "agentweaver")
        gatewayName = try sources.value(of: Keys.gatewayName, default: "agentweaver-preview-gateway")
        gatewayNamespace = try sources.value(of: Keys.gatewayNamespace, default: "agentweaver")
        policy = try Self.policy(sources)
        coreAPI = try sources.value(of: Keys.coreAPI)
        identity = try IdentitySettings(sources)
        guard coreAPI != nil || !identity.isEmpty else {
            throw SettingsError(
                """
                no identity is configured, so nobody could call this service: expected one of \
                \((IdentitySettings.Keys.sufficient + [Keys.coreAPI.key]).joined(separator: ", "))
                """
            )
        }
        approvals = try Self.approvals(sources)
        server = try ServerSettings(sources, readyTimeout: policy.readyTimeout)
        logLevel = try sources.value(of: Keys.logLevel, default: .info)
    }

    private static func address(_ sources: SettingsSources) throws(SettingsError) -> PreviewAddress {
        guard let zone = try sources.value(of: Keys.zoneSuffix) else {
            throw SettingsError(
                "\(Keys.zoneSuffix.key) is not set: expected \(Keys.zoneSuffix.expected), under which previews appear"
            )
        }
        return PreviewAddress(
            zone: zone,
            scheme: try sources.value(of: Keys.urlScheme, default: .https),
            port: try sources.value(of: Keys.urlPort)
        )
    }

    private static func policy(_ sources: SettingsSources) throws(SettingsError) -> PreviewPolicy {
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
            readyTimeout: try sources.value(of: Keys.readyTimeout, default: .seconds(10))
        )
    }

    private static func approvals(_ sources: SettingsSources) throws(SettingsError) -> ApprovalPolicy {
        let setting = try sources.value(of: Keys.autoApprove)
        let alias = try sources.value(of: Keys.autoApproveInEnvironment)
        if let setting, let alias, setting != alias {
            throw SettingsError(
                "\(Keys.autoApprove.key) is \(setting) and \(Keys.autoApproveInEnvironment.key) is \(alias): expected one of them, or the same value"
            )
        }
        return ApprovalPolicy(
            approvesAutomatically: setting ?? alias ?? false,
            window: try sources.value(of: Keys.approvalTimeout, default: .seconds(300))
        )
    }
}
