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
        logLevel = try sources.value(of: Keys.logLevel)
        logFormat = try sources.value(of: Keys.logFormat)
    }

    private static func router(
        _ sources: SettingsSources,
        coreAPI: BaseURL?
    ) throws(SettingsError) -> RouterLimits? {
        var limits = RouterLimits()
        limits.headTimeout = try sources.value(of: Keys.routerHeadTimeout)
        guard try sources.value(of: Keys.routerEnabled) else { return nil }
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
            scheme: try sources.value(of: Keys.urlScheme),
            port: try sources.value(of: Keys.urlPort)
        )
    }

    private static func approvals(_ sources: SettingsSources) throws(SettingsError) -> ApprovalPolicy {
        let setting = try sources.givenValue(of: Keys.autoApprove)
        let alias = try sources.value(of: Keys.autoApproveInEnvironment)
        if let setting, let alias, setting != alias {
            throw SettingsError(
                "\(Keys.autoApprove.key) is \(setting) and \(Keys.autoApproveInEnvironment.key) is \(alias): expected only one of them, or the same value"
            )
        }
        return ApprovalPolicy(
            approvesAutomatically: setting ?? alias ?? Keys.autoApprove.defaultValue,
            window: try sources.value(of: Keys.approvalTimeout),
            ownersMayApproveAlways: try sources.value(of: Keys.ownersMayApproveAlways)
        )
    }
}

extension Settings {
    /// The settings of previews, approvals, the core API, the router and the log.
    enum Keys {
        private static let policy = PreviewPolicy()
        private static let lifetime = policy.lifetime

        static let zoneSuffix = Setting(
            "Sandbox__Preview__ZoneSuffix",
            expected: "a DNS name such as preview.example.com"
        ) {
            try? ZoneSuffix($0)
        }
        static let gatewayName = Setting.objectName("Sandbox__Preview__GatewayName")
            .default("agentweaver-preview-gateway")
        static let gatewayNamespace = Setting.objectName("Sandbox__Preview__GatewayNamespace").default("agentweaver")
        static let namespace = Setting.objectName("Sandbox__Preview__Namespace").default("agentweaver")
        static let urlScheme = Setting.choice("Sandbox__Preview__UrlScheme", "http or https")
            .default(PreviewAddress.Scheme.https)
        static let urlPort = Setting.integer("Sandbox__Preview__UrlPort", in: 1...65535)

        static let enabled = Setting.boolean("Sandbox__Preview__Enabled").default(policy.isEnabled)
        static let allowedPortMin = Setting.integer("Sandbox__Preview__AllowedPortMin", in: 1...65535)
            .default(policy.ports.allowed.lowerBound)
        static let allowedPortMax = Setting.integer("Sandbox__Preview__AllowedPortMax", in: 1...65535)
            .default(policy.ports.allowed.upperBound)
        static let maxPerRun = Setting.integer("Sandbox__Preview__MaxConcurrentSessionsPerRun", in: 1...1000)
            .default(policy.limits.perRun)
        static let maxGlobal = Setting.integer("Sandbox__Preview__MaxConcurrentSessionsGlobal", in: 1...100_000)
            .default(policy.limits.global)
        static let idleTimeout = Setting.minutes("Sandbox__Preview__IdleTimeoutMinutes", in: 0.01...1440)
            .default(lifetime.idleTimeout)
        static let maxLifetime = Setting.hours("Sandbox__Preview__MaxLifetimeHours", in: 0.001...168)
            .default(lifetime.maxLifetime)
        static let maxConnection = Setting.minutes("Sandbox__Preview__MaxConnectionMinutes", in: 0.01...10_080)
        static let keepAfterRun = Setting.boolean("Sandbox__Preview__KeepAfterRun").default(lifetime.keepsAfterRun)
        static let sweepInterval = Setting.seconds("Sandbox__Preview__SweepIntervalSeconds", in: 1...3600)
            .default(policy.sweepInterval)
        /// The minimum is the longest duration of a start: with a shorter grace the reaper could delete the Service of a slow
        /// start.
        static let orphanGrace = Setting.seconds(
            "Sandbox__Preview__OrphanGraceSeconds",
            in: PreviewPolicy.shortestOrphanGrace / .seconds(1)...3600
        )
        .default(policy.orphanGrace)
        static let outageGrace = Setting.seconds("Sandbox__Preview__OutageGraceSeconds", in: 0...3600)
            .default(policy.outageGrace)
        static let keepaliveCoalesce = Setting.seconds("Sandbox__Preview__KeepaliveCoalesceSeconds", in: 0...3600)
            .default(lifetime.keepaliveCoalesce)
        static let readyTimeout = Setting.seconds("Sandbox__Preview__ReadyTimeoutSeconds", in: 0...60)
            .default(policy.readyTimeout)
        static let hostHeader = Setting.choice("Sandbox__Preview__HostHeader", "auto, preserve or localhost")
            .default(policy.hostHeader)
        static let labelPods = Setting.boolean("Sandbox__Preview__LabelPods").default(policy.labelsPods)

        static let autoApprove = Setting.boolean("Sandbox__Preview__AutoApprove")
            .default(ApprovalPolicy().approvesAutomatically)
        /// An alias of ``autoApprove`` without the common prefix.
        static let autoApproveInEnvironment = Setting.boolean("SANDBOX_PREVIEW_AUTO_APPROVE")
        static let approvalTimeout = Setting.seconds(
            "Sandbox__Preview__ApprovalTimeoutSeconds",
            in: 1...Approval.longestWindow / .seconds(1)
        )
        .default(ApprovalPolicy().window)
        static let ownersMayApproveAlways = Setting.boolean("Sandbox__Preview__OwnersMayApproveAlways")
            .default(ApprovalPolicy().ownersMayApproveAlways)

        /// Secret, because its value may contain credentials by mistake.
        static let coreAPI = Setting("Agentweaver__ApiBaseUrl", expected: BaseURL.expectation, isSecret: true) {
            try? BaseURL($0)
        }
        static let routerEnabled = Setting.boolean("Router__Enabled").default(false)
        static let routerHeadTimeout = Setting.seconds("Router__HeadTimeoutSeconds", in: 1...3600)
            .default(RouterLimits().headTimeout)

        static let logLevel = Setting.choice("Log__Level", "one of \(logLevelNames)").default(Logger.Level.info)
        static let logFormat = Setting.choice("Log__Format", "text or json").default(LogFormat.text)

        private static let logLevelNames = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    }

    /// The keys of all settings of all commands.
    static let keys = Set(descriptions.map(\.key))

    /// All settings, in the order of the documentation.
    static let descriptions: [any SettingDescription] = [
        Keys.zoneSuffix, Keys.gatewayName, Keys.gatewayNamespace, Keys.namespace, Keys.urlScheme, Keys.urlPort,
        Keys.enabled, Keys.allowedPortMin, Keys.allowedPortMax, Keys.maxPerRun, Keys.maxGlobal, Keys.idleTimeout,
        Keys.maxLifetime, Keys.maxConnection, Keys.keepAfterRun, Keys.sweepInterval, Keys.orphanGrace, Keys.outageGrace,
        Keys.keepaliveCoalesce, Keys.readyTimeout, Keys.hostHeader, Keys.labelPods, Keys.autoApprove,
        Keys.autoApproveInEnvironment, Keys.approvalTimeout, Keys.ownersMayApproveAlways, IdentitySettings.Keys.apiKey,
        IdentitySettings.Keys.apiKeyFile, IdentitySettings.Keys.serviceUser, IdentitySettings.Keys.issuer,
        IdentitySettings.Keys.audience, IdentitySettings.Keys.keySetURL, IdentitySettings.Keys.signingKeyFile,
        IdentitySettings.Keys.serviceAccounts, IdentitySettings.Keys.operatorAccounts, Keys.coreAPI, Keys.routerEnabled,
        Keys.routerHeadTimeout, ServerSettings.Keys.listen, ServerSettings.Keys.endedPageListen,
        ServerSettings.Keys.allowedOrigins, ServerSettings.Keys.maxConnections, ServerSettings.Keys.idleTimeout,
        ServerSettings.Keys.rate, ServerSettings.Keys.burst, ServerSettings.Keys.drainTime, Keys.logLevel,
        Keys.logFormat,
    ]
}
