internal import Basics
internal import CoreAPI
internal import Logging
internal import PreviewControl
internal import PreviewDomain
internal import Router

/// Everything that `serve` can be told, checked and typed.
struct Settings: Sendable {
    var cluster: ClusterSettings
    var address: PreviewAddress
    /// Where the platform's core API is; `nil` without one.
    var coreAPI: BaseURL?
    /// Where requests for the core API are passed on, and with which limits; `nil` where the router is off.
    var router: RouterLimits?
    var identity: IdentitySettings
    var approvals: ApprovalPolicy
    var server: ServerSettings
    var logLevel: Logger.Level
    var logFormat: LogFormat

    /// Reads all settings.
    ///
    /// - Throws: One line that names the key, its value and what is allowed.
    init(_ sources: SettingsSources) throws(SettingsError) {
        cluster = try ClusterSettings(sources)
        address = try Self.address(sources, in: cluster.zone)
        coreAPI = try sources.value(of: Keys.coreAPI)
        router = try Self.router(sources, coreAPI: coreAPI)
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
        server = try ServerSettings(sources, readyTimeout: cluster.policy.readyTimeout)
        logLevel = try sources.value(of: Keys.logLevel, default: .info)
        logFormat = try sources.value(of: Keys.logFormat, default: .text)
    }

    private static func router(
        _ sources: SettingsSources,
        coreAPI: BaseURL?
    ) throws(SettingsError) -> RouterLimits? {
        var limits = RouterLimits()
        limits.headTimeout = try sources.value(of: Keys.routerHeadTimeout, default: limits.headTimeout)
        guard try sources.value(of: Keys.routerEnabled, default: false) else { return nil }
        guard coreAPI != nil else {
            throw SettingsError(
                "\(Keys.routerEnabled.key) is true and \(Keys.coreAPI.key) is not set: expected \(Keys.coreAPI.expected)"
            )
        }
        return limits
    }

    private static func address(
        _ sources: SettingsSources,
        in zone: ZoneSuffix?
    ) throws(SettingsError) -> PreviewAddress {
        guard let zone else {
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
            window: try sources.value(of: Keys.approvalTimeout, default: .seconds(300)),
            ownersMayApproveAlways: try sources.value(of: Keys.ownersMayApproveAlways, default: false)
        )
    }
}
