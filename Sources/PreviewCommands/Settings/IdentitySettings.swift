internal import Basics
internal import FoundationEssentials
internal import PreviewIdentity

/// The credentials that the service accepts.
struct IdentitySettings: Sendable {
    /// The source of the service key, with which the platform's own callers authenticate.
    enum ServiceKeySource: Sendable {
        case text(ServiceKey)
        /// A file, with the key that it contained at the start.
        case file(path: String, ServiceKey)
    }

    /// The issuer whose access tokens are accepted.
    struct AccessTokens: Sendable {
        /// The source of the issuer's public keys.
        enum Keys: Hashable, Sendable {
            case url(URL)
            /// One key in PEM, with the path of its file.
            case pem(String, path: String)
        }

        let issuer: String
        let audience: String
        let keys: Keys
    }

    /// The ServiceAccounts whose tokens are accepted.
    struct ServiceAccounts: Sendable {
        /// Accounts that act for the runs' agents.
        let service: Set<ServiceAccount>
        /// Accounts that may access all runs.
        let operators: Set<ServiceAccount>
    }

    var serviceKey: ServiceKeySource?
    var serviceUser: String
    var accessTokens: AccessTokens?
    var serviceAccounts: ServiceAccounts?

    init(_ sources: SettingsSources) throws(SettingsError) {
        serviceKey = try Self.serviceKey(sources)
        serviceUser = try sources.value(of: Keys.serviceUser)
        accessTokens = try Self.accessTokens(sources)
        serviceAccounts = try Self.serviceAccounts(sources)
    }

    /// Whether no credential would be accepted.
    var isEmpty: Bool { serviceKey == nil && accessTokens == nil && serviceAccounts == nil }

    /// The configured service key; `nil` if there is none.
    static func serviceKey(of sources: SettingsSources) throws(SettingsError) -> ServiceKey? {
        switch try serviceKey(sources) {
        case .text(let key), .file(_, let key): key
        case nil: nil
        }
    }

    private static func serviceAccounts(_ sources: SettingsSources) throws(SettingsError) -> ServiceAccounts? {
        let service = try sources.value(of: Keys.serviceAccounts) ?? []
        let operators = try sources.value(of: Keys.operatorAccounts) ?? []
        if let account = service.intersection(operators).first {
            throw SettingsError(
                """
                \(Keys.serviceAccounts.key) and \(Keys.operatorAccounts.key) both contain '\(account.userName)': expected \
                it in only one of them
                """
            )
        }
        return service.isEmpty && operators.isEmpty ? nil : ServiceAccounts(service: service, operators: operators)
    }

    private static func serviceKey(_ sources: SettingsSources) throws(SettingsError) -> ServiceKeySource? {
        let text = try sources.value(of: Keys.apiKey)
        guard let path = try sources.value(of: Keys.apiKeyFile) else { return text.map(ServiceKeySource.text) }
        guard text == nil else { throw Self.conflict(Keys.apiKey.key, Keys.apiKeyFile.key) }
        do throws(UnusableKeyFile) {
            return .file(path: path, try ServiceKeyFile.key(at: path))
        } catch {
            throw SettingsError("\(Keys.apiKeyFile.key) is '\(path)': \(error)")
        }
    }

    private static func accessTokens(_ sources: SettingsSources) throws(SettingsError) -> AccessTokens? {
        let audience = try sources.value(of: Keys.audience)
        let url = try sources.value(of: Keys.keySetURL)
        let file = try sources.value(of: Keys.signingKeyFile)
        guard let issuer = try sources.value(of: Keys.issuer) else {
            let lonely = [
                (Keys.audience.key, audience != nil), (Keys.keySetURL.key, url != nil),
                (Keys.signingKeyFile.key, file != nil),
            ].first { $0.1 }
            guard let (key, _) = lonely else { return nil }
            throw SettingsError("\(key) is set without \(Keys.issuer.key): expected \(Keys.issuer.expected)")
        }
        guard let audience else {
            throw SettingsError(
                "\(Keys.issuer.key) is set without \(Keys.audience.key): expected \(Keys.audience.expected)"
            )
        }
        guard url == nil || file == nil else { throw conflict(Keys.keySetURL.key, Keys.signingKeyFile.key) }
        return AccessTokens(issuer: issuer, audience: audience, keys: try keys(of: issuer, at: url, or: file))
    }

    /// The maximum size of a PEM file. Dozens of keys and certificates fit.
    private static let maxKeyFileBytes = 256 * 1024

    private static func keys(
        of issuer: String,
        at url: URL?,
        or file: String?
    ) throws(SettingsError) -> AccessTokens.Keys {
        if let url { return .url(url) }
        if let file {
            do { return .pem(try SmallFile.read(file, maxBytes: maxKeyFileBytes), path: file) } catch {
                let expected = "expected the path of a PEM file"
                throw SettingsError("\(Keys.signingKeyFile.key) is '\(file)', which \(error): \(expected)")
            }
        }
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        guard let url = Keys.keySetURL.parse("\(base)/oauth/jwks") else {
            // Never quoted: somebody may write credentials into it.
            throw SettingsError(
                """
                \(Keys.issuer.key) is <redacted>: expected a URL with scheme http or https and without credentials, under \
                which the keys are at /oauth/jwks, or else \(Keys.keySetURL.key) or \(Keys.signingKeyFile.key)
                """
            )
        }
        return .url(url)
    }

    private static func conflict(_ one: String, _ other: String) -> SettingsError {
        SettingsError("\(one) and \(other) are both set: expected only one of them")
    }
}

extension IdentitySettings {
    /// The settings of identities.
    enum Keys {
        static let apiKey = Setting(
            "Auth__ApiKey",
            expected: "at least \(ServiceKey.minLength) visible ASCII characters",
            isSecret: true
        ) {
            ServiceKey($0)
        }
        static let apiKeyFile = Setting.path("Auth__ApiKeyFile")
        static let serviceUser = Setting.text("Auth__User", "a name of 1 to 128 characters", in: 1...128)
            .default("agentweaver-internal")
        static let issuer = Setting.text(
            "Auth__OAuth__Issuer",
            "the claim 'iss' of access tokens, for example https://agentweaver.example.com",
            in: 1...1024
        )
        static let audience = Setting.text(
            "Auth__OAuth__Audience",
            "what the claim 'aud' of access tokens contains",
            in: 1...1024
        )
        static let keySetURL = Setting.webURL("Auth__OAuth__JwksUrl")
        static let signingKeyFile = Setting.path("Auth__OAuth__SigningKeyFile")
        static let serviceAccounts = Setting.serviceAccounts("Auth__ServiceAccounts__Service")
        static let operatorAccounts = Setting.serviceAccounts("Auth__ServiceAccounts__Operators")

        /// The keys of which at least one must be set, because each of them configures an identity.
        static let sufficient = [
            apiKey.key, apiKeyFile.key, issuer.key, serviceAccounts.key, operatorAccounts.key,
        ]
    }
}

extension Setting where Value == String, Default == Void {
    fileprivate static func text(_ key: String, _ expected: String, in lengths: ClosedRange<Int>) -> Setting {
        Setting(key, expected: expected) { lengths.contains($0.count) ? $0 : nil }
    }

    fileprivate static func path(_ key: String) -> Setting {
        Setting(key, expected: "the path of a file") { $0.isEmpty ? nil : $0 }
    }
}

extension Setting where Value == Set<ServiceAccount>, Default == Void {
    fileprivate static func serviceAccounts(_ key: String) -> Setting {
        Setting(
            key,
            expected: "names like system:serviceaccount:NAMESPACE:NAME, separated by commas, at most \(maxAccounts)"
        ) { text in
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let accounts = parts.compactMap { ServiceAccount($0.trimmingPrefix(while: \.isWhitespace)) }
            return accounts.count == parts.count && parts.count <= maxAccounts ? Set(accounts) : nil
        }
    }

    private static var maxAccounts: Int { 64 }
}

extension Setting where Value == URL, Default == Void {
    /// An absolute http or https URL, without credentials or a fragment. Never quoted: it may contain credentials.
    fileprivate static func webURL(_ key: String) -> Setting {
        Setting(
            key,
            expected: "a URL with scheme http or https, for example https://agentweaver.example.com",
            isSecret: true
        ) { text in
            guard let url = URL(string: text), ["http", "https"].contains(url.scheme),
                url.host()?.isEmpty == false, url.user() == nil, url.password() == nil, url.fragment() == nil
            else { return nil }
            return url
        }
    }
}
