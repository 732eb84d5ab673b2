internal import Basics
internal import PreviewDomain

/// One setting: its key, its allowed values, and the conversion of its text to a value.
struct Setting<Value: Sendable>: Sendable {
    /// The name of the environment variable. Files and flags use the same name.
    let key: String
    /// The allowed values, as the end of the sentence "expected …".
    let expected: String
    /// Whether the value must never be printed.
    let isSecret: Bool
    /// Converts a text, without the white space at both ends that files and templates often contain.
    let parse: @Sendable (String) -> Value?

    init(_ key: String, expected: String, isSecret: Bool = false, parse: @escaping @Sendable (String) -> Value?) {
        self.key = key
        self.expected = expected
        self.isSecret = isSecret
        self.parse = { parse($0.trimmed) }
    }
}

extension Setting where Value == Bool {
    static func boolean(_ key: String) -> Setting {
        Setting(key, expected: "true or false (also yes, on, 1 or no, off, 0)") { text in
            switch text.lowercased() {
            case "true", "1", "yes", "y", "on": true
            case "false", "0", "no", "n", "off": false
            default: nil
            }
        }
    }
}

extension Setting where Value == Int {
    static func integer(_ key: String, in range: ClosedRange<Int>) -> Setting {
        Setting(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Setting where Value == Duration {
    static func seconds(_ key: String, in range: ClosedRange<Double>) -> Setting {
        duration(key, of: .seconds(1), named: "seconds", in: range)
    }

    static func minutes(_ key: String, in range: ClosedRange<Double>) -> Setting {
        duration(key, of: .seconds(60), named: "minutes", in: range)
    }

    static func hours(_ key: String, in range: ClosedRange<Double>) -> Setting {
        duration(key, of: .seconds(3600), named: "hours", in: range)
    }

    /// A number of `unit`; decimals are allowed.
    private static func duration(
        _ key: String,
        of unit: Duration,
        named name: String,
        in range: ClosedRange<Double>
    ) -> Setting {
        let (least, most) = (range.lowerBound.formattedShortly, range.upperBound.formattedShortly)
        return Setting(key, expected: "a number of \(name) from \(least) to \(most)") { text in
            guard let number = Double(text), range.contains(number) else { return nil }
            return unit * number
        }
    }
}

extension Setting where Value == String {
    /// A name of a Kubernetes object (a DNS-1123 label, RFC 1123).
    static func objectName(_ key: String) -> Setting {
        Setting(key, expected: "a Kubernetes name of 1 to 63 characters of a-z, 0-9 and '-'") { text in
            DNSLabel.isValid(text.utf8) ? text : nil
        }
    }
}

extension Double {
    /// The number without a trailing ".0".
    fileprivate var formattedShortly: String {
        self == rounded() ? "\(Int(self))" : "\(self)"
    }
}

/// The documentation of one setting. A test compares it with Docs/Configuration.md.
struct SettingDescription: Sendable {
    let key: String
    /// The allowed values, as the end of the sentence "expected …".
    let expected: String
    /// The default value; `nil` if there is none.
    let fallback: String?
    let example: String
    /// Whether the value must never be printed.
    let isSecret: Bool
    /// Whether a text is a valid value.
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
    /// The keys of all settings of all commands.
    static let keys = Set(descriptions.map(\.key))

    /// All settings, in the order of the documentation.
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
        SettingDescription(Keys.ownersMayApproveAlways, default: "true", example: "false"),

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
