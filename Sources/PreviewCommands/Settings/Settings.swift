internal import CoreAPI
internal import Logging
internal import PreviewControl
internal import PreviewDomain

/// Everything that `serve` can be told, checked and typed.
struct Settings: Sendable {
    var cluster: ClusterSettings
    var address: PreviewAddress
    /// Where the platform's core API is; `nil` without one.
    var coreAPI: CoreAPIBaseURL?
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
