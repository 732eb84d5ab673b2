/// What Docs/Configuration.md says about one setting; the tests compare both.
struct SettingDescription: Sendable {
    let key: String
    /// What is allowed.
    let expected: String
    /// What holds where it is not set; `nil` where that is nothing.
    let fallback: String?
    let example: String
    /// Whether its value must never be printed.
    let isSecret: Bool
    /// Whether a text is a value of it.
    let accepts: @Sendable (String) -> Bool

    init<Value>(_ setting: Setting<Value>, default fallback: String? = nil, example: String) {
        key = setting.key
        expected = setting.expected
        self.fallback = fallback
        self.example = example
        isSecret = setting.isSecret
        accepts = { setting.parse($0) != nil }
    }
}

extension Settings {
    /// Every setting, in the order of the documentation.
    static let descriptions: [SettingDescription] = [
        SettingDescription(Keys.zoneSuffix, example: "preview.example.com"),
        SettingDescription(Keys.gatewayName, default: "agentweaver-preview-gateway", example: "previews"),
        SettingDescription(Keys.gatewayNamespace, default: "agentweaver", example: "gateways"),
        SettingDescription(Keys.namespace, default: "agentweaver", example: "sandboxes"),
        SettingDescription(Keys.urlScheme, default: "https", example: "http"),
        SettingDescription(Keys.urlPort, example: "8088"),

        SettingDescription(Keys.enabled, default: "true", example: "false"),
        SettingDescription(Keys.allowedPortMin, default: "3000", example: "5000"),
        SettingDescription(Keys.allowedPortMax, default: "9000", example: "5999"),
        SettingDescription(Keys.maxPerRun, default: "3", example: "5"),
        SettingDescription(Keys.maxGlobal, default: "20", example: "200"),
        SettingDescription(Keys.idleTimeout, default: "30", example: "7.5"),
        SettingDescription(Keys.maxLifetime, default: "8", example: "24"),
        SettingDescription(Keys.maxConnection, example: "60"),
        SettingDescription(Keys.keepAfterRun, default: "true", example: "false"),
        SettingDescription(Keys.sweepInterval, default: "60", example: "30"),
        SettingDescription(Keys.orphanGrace, default: "120", example: "60"),
        SettingDescription(Keys.outageGrace, default: "150", example: "300"),
        SettingDescription(Keys.keepaliveCoalesce, default: "180", example: "0"),
        SettingDescription(Keys.readyTimeout, default: "10", example: "20"),
        SettingDescription(Keys.hostHeader, default: "auto", example: "localhost"),
        SettingDescription(Keys.labelPods, default: "false", example: "true"),

        SettingDescription(Keys.autoApprove, default: "false", example: "true"),
        SettingDescription(Keys.autoApproveInEnvironment, example: "true"),
        SettingDescription(Keys.approvalTimeout, default: "300", example: "600"),
        SettingDescription(Keys.ownersMayApproveAlways, default: "false", example: "true"),

        SettingDescription(IdentitySettings.Keys.apiKey, example: "0123456789abcdef0123456789abcdef"),
        SettingDescription(IdentitySettings.Keys.apiKeyFile, example: "/var/run/secrets/preview-gateway/api-key"),
        SettingDescription(IdentitySettings.Keys.serviceUser, default: "agentweaver-internal", example: "agents"),
        SettingDescription(IdentitySettings.Keys.issuer, example: "https://agentweaver.example.com"),
        SettingDescription(IdentitySettings.Keys.audience, example: "agentweaver-api"),
        SettingDescription(IdentitySettings.Keys.keySetURL, example: "https://agentweaver.example.com/oauth/jwks"),
        SettingDescription(IdentitySettings.Keys.signingKeyFile, example: "/etc/preview-gateway/issuer.pem"),
        SettingDescription(IdentitySettings.Keys.serviceAccounts, example: "system:serviceaccount:agents:runner"),
        SettingDescription(IdentitySettings.Keys.operatorAccounts, example: "system:serviceaccount:ops:console"),
        SettingDescription(Keys.coreAPI, example: "http://agentweaver-api:8080"),
        SettingDescription(Keys.routerEnabled, default: "false", example: "true"),
        SettingDescription(Keys.routerHeadTimeout, default: "300", example: "60"),

        SettingDescription(ServerSettings.Keys.listen, default: "0.0.0.0:8080", example: "[::]:8080"),
        SettingDescription(ServerSettings.Keys.endedPageListen, example: "0.0.0.0:8081"),
        SettingDescription(ServerSettings.Keys.allowedOrigins, example: "https://console.example.com"),
        SettingDescription(ServerSettings.Keys.maxConnections, default: "4096", example: "1024"),
        SettingDescription(ServerSettings.Keys.idleTimeout, default: "75", example: "30"),
        SettingDescription(ServerSettings.Keys.rate, default: "20", example: "5"),
        SettingDescription(ServerSettings.Keys.burst, default: "100", example: "20"),
        SettingDescription(ServerSettings.Keys.drainTime, default: "5", example: "10"),

        SettingDescription(Keys.logLevel, default: "info", example: "debug"),
        SettingDescription(Keys.logFormat, default: "text", example: "json"),
    ]
}
