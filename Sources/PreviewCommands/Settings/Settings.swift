internal import Basics
internal import Logging
internal import PreviewControl
internal import PreviewDomain
internal import Router

/// The validated settings of `serve`.
struct Settings: Sendable {
    var cluster: ClusterSettings
    var address: PreviewAddress
    /// The address of the platform's core API; `nil` if none is configured.
    var coreAPI: BaseURL?
    /// The limits for forwarded requests; `nil` if the router is off.
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
                no identity is configured, so no caller can be authenticated: expected one of \
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
                "\(Keys.zoneSuffix.key) is not set: expected \(Keys.zoneSuffix.expected), the zone of the previews"
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
                "\(Keys.autoApprove.key) is \(setting) and \(Keys.autoApproveInEnvironment.key) is \(alias): expected only one of them, or the same value"
            )
        }
        return ApprovalPolicy(
            approvesAutomatically: setting ?? alias ?? false,
            window: try sources.value(of: Keys.approvalTimeout, default: .seconds(300)),
            ownersMayApproveAlways: try sources.value(of: Keys.ownersMayApproveAlways, default: true)
        )
    }
}

extension Settings {
    /// The keys, ranges and formats of the settings.
    enum Keys {
        static let enabled = Setting.boolean("Sandbox__Preview__Enabled")
        static let zoneSuffix = Setting(
            "Sandbox__Preview__ZoneSuffix",
            expected: "a DNS name such as preview.example.com"
        ) {
            try? ZoneSuffix($0)
        }
        static let gatewayName = Setting.objectName("Sandbox__Preview__GatewayName")
        static let gatewayNamespace = Setting.objectName("Sandbox__Preview__GatewayNamespace")
        static let namespace = Setting.objectName("Sandbox__Preview__Namespace")
        static let idleTimeout = Setting.minutes("Sandbox__Preview__IdleTimeoutMinutes", in: 0.01...1440)
        static let maxLifetime = Setting.hours("Sandbox__Preview__MaxLifetimeHours", in: 0.001...168)
        static let maxConnection = Setting.minutes("Sandbox__Preview__MaxConnectionMinutes", in: 0.01...10_080)
        static let keepAfterRun = Setting.boolean("Sandbox__Preview__KeepAfterRun")
        static let allowedPortMin = Setting.integer("Sandbox__Preview__AllowedPortMin", in: 1...65535)
        static let allowedPortMax = Setting.integer("Sandbox__Preview__AllowedPortMax", in: 1...65535)
        static let maxPerRun = Setting.integer("Sandbox__Preview__MaxConcurrentSessionsPerRun", in: 1...1000)
        static let maxGlobal = Setting.integer("Sandbox__Preview__MaxConcurrentSessionsGlobal", in: 1...100_000)
        static let sweepInterval = Setting.seconds("Sandbox__Preview__SweepIntervalSeconds", in: 1...3600)
        /// The minimum is the longest duration of a start: with a shorter grace the reaper could delete the Service of a slow
        /// start.
        static let orphanGrace = Setting.seconds(
            "Sandbox__Preview__OrphanGraceSeconds",
            in: PreviewPolicy.shortestOrphanGrace / .seconds(1)...3600
        )
        static let outageGrace = Setting.seconds("Sandbox__Preview__OutageGraceSeconds", in: 0...3600)
        static let keepaliveCoalesce = Setting.seconds("Sandbox__Preview__KeepaliveCoalesceSeconds", in: 0...3600)
        static let readyTimeout = Setting.seconds("Sandbox__Preview__ReadyTimeoutSeconds", in: 0...60)
        static let hostHeader = Setting("Sandbox__Preview__HostHeader", expected: "auto, preserve or localhost") {
            HostHeader(rawValue: $0.lowercased())
        }
        static let labelPods = Setting.boolean("Sandbox__Preview__LabelPods")
        static let autoApprove = Setting.boolean("Sandbox__Preview__AutoApprove")
        /// An alias of ``autoApprove`` without the common prefix.
        static let autoApproveInEnvironment = Setting.boolean("SANDBOX_PREVIEW_AUTO_APPROVE")
        static let ownersMayApproveAlways = Setting.boolean("Sandbox__Preview__OwnersMayApproveAlways")
        static let approvalTimeout = Setting.seconds(
            "Sandbox__Preview__ApprovalTimeoutSeconds",
            in: 1...Approval.longestWindow / .seconds(1)
        )
        static let urlScheme = Setting("Sandbox__Preview__UrlScheme", expected: "http or https") {
            PreviewAddress.Scheme(rawValue: $0.lowercased())
        }
        static let urlPort = Setting.integer("Sandbox__Preview__UrlPort", in: 1...65535)
        /// Secret, because its value may contain credentials by mistake.
        static let coreAPI = Setting(
            "Agentweaver__ApiBaseUrl",
            expected: BaseURL.expectation,
            isSecret: true
        ) {
            try? BaseURL($0)
        }
        static let routerEnabled = Setting.boolean("Router__Enabled")
        static let routerHeadTimeout = Setting.seconds("Router__HeadTimeoutSeconds", in: 1...3600)
        static let logLevel = Setting("Log__Level", expected: "one of \(logLevelNames)") {
            Logger.Level(rawValue: $0.lowercased())
        }
        static let logFormat = Setting("Log__Format", expected: "text or json") {
            LogFormat(rawValue: $0.lowercased())
        }

        private static let logLevelNames = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    }
}
