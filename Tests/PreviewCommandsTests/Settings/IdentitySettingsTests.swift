import FoundationEssentials
import PreviewIdentity
import Testing

@testable import PreviewCommands

@Suite("Settings of identities", .timeLimit(.minutes(10)))
struct IdentitySettingsTests {
    private static let issuer = "https://agentweaver.example.com"
    private static let tokens = ["Auth__OAuth__Issuer": issuer, "Auth__OAuth__Audience": "previews"]

    private func identity(_ environment: [String: String]) throws -> IdentitySettings {
        try IdentitySettings(SettingsSources(flags: [], environment: environment, file: nil))
    }

    private func withFile<Result>(_ content: String, _ body: (String) throws -> Result) throws -> Result {
        let file = FileManager.default.temporaryDirectory.appending(path: "identity-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try content.write(to: file, atomically: true, encoding: .utf8)
        return try body(file.path)
    }

    @Test func withoutAnyIdentityOneLineNamesTheSettings() throws {
        let environment = ["Sandbox__Preview__ZoneSuffix": "preview.example.com"]
        let error = try #require(throws: SettingsError.self) {
            try Settings(SettingsSources(flags: [], environment: environment, file: nil))
        }
        for key in IdentitySettings.Keys.sufficient + ["Agentweaver__ApiBaseUrl"] {
            #expect(error.description.contains(key))
        }
        #expect(!error.description.contains("\n"))
    }

    @Test(
        arguments: [
            ["Auth__ApiKey": "0123456789abcdef"], tokens, ["Agentweaver__ApiBaseUrl": "https://api.example.com"],
            ["Auth__ServiceAccounts__Operators": "system:serviceaccount:a:b"],
            ["Auth__ServiceAccounts__Service": "system:serviceaccount:a:b"],
        ]
    )
    func oneIdentityIsEnough(environment: [String: String]) throws {
        let zone = ["Sandbox__Preview__ZoneSuffix": "preview.example.com"]
        _ = try Settings(SettingsSources(flags: [], environment: environment.merging(zone) { $1 }, file: nil))
    }

    @Test func otherVariablesOfThePlatformAreNotRead() throws {
        let environment = ["Agentweaver__Database__Password": "secret", "Agentweaver__ApiBaseUrl": "https://a.example"]
        let sources = try SettingsSources(flags: [], environment: environment, file: nil)
        try sources.checkKeys(known: [Settings.Keys.coreAPI.key])
    }

    @Test func serviceAccountsAreNamedInFull() throws {
        let accounts = try identity([
            "Auth__ServiceAccounts__Service": "system:serviceaccount:agents:runner, system:serviceaccount:a:b.c",
            "Auth__ServiceAccounts__Operators": "system:serviceaccount:ops:operator",
        ]).serviceAccounts
        #expect(
            accounts?.service.map(\.userName).sorted()
                == ["system:serviceaccount:a:b.c", "system:serviceaccount:agents:runner"]
        )
        #expect(accounts?.operators.map(\.userName) == ["system:serviceaccount:ops:operator"])
    }

    @Test func theKeyMayComeFromAFileWithANewline() throws {
        try withFile("0123456789abcdef\n") { path in
            guard case .file(path, let key) = try identity(["Auth__ApiKeyFile": path]).serviceKey else {
                Issue.record("the key is not the file's")
                return
            }
            #expect(key.matches("0123456789abcdef"))
        }
    }

    @Test(arguments: ["too short", "0123456789\u{7f}abcdef", String(repeating: "k", count: 5000)])
    func aFileWithoutAKeyIsNamedAndItsContentIsNot(content: String) throws {
        try withFile(content) { path in
            let error = try #require(throws: SettingsError.self) { try identity(["Auth__ApiKeyFile": path]) }
            #expect(error.description.contains("Auth__ApiKeyFile is '\(path)'"))
            #expect(!error.description.contains(content))
        }
    }

    @Test func theKeysOfAnIssuerAreAtItsUsualPlace() throws {
        for issuer in [Self.issuer, "\(Self.issuer)/"] {
            let tokens = try identity(["Auth__OAuth__Issuer": issuer, "Auth__OAuth__Audience": "previews"]).accessTokens
            #expect(tokens?.issuer == issuer)
            #expect(tokens?.audience == "previews")
            #expect(tokens?.keys == .url(try #require(URL(string: "\(Self.issuer)/oauth/jwks"))))
        }
    }

    /// A claim of a token has no newline, so a setting with one would refuse every token.
    @Test func blanksAroundIssuerAndAudienceDoNotMatter() throws {
        let tokens = try identity([
            "Auth__OAuth__Issuer": "\(Self.issuer)\n", "Auth__OAuth__Audience": " previews ",
        ]).accessTokens
        #expect(tokens?.issuer == Self.issuer)
        #expect(tokens?.audience == "previews")
    }

    @Test func theKeysOfAnIssuerMayBeElsewhereOrInAFile() throws {
        let url = "http://jwks.agentweaver.svc:8080/keys?set=1"
        let elsewhere = try identity(Self.tokens.merging(["Auth__OAuth__JwksUrl": url]) { $1 })
        #expect(elsewhere.accessTokens?.keys == .url(try #require(URL(string: url))))
        try withFile("a key in PEM") { path in
            let file = try identity([
                "Auth__OAuth__Issuer": "any name", "Auth__OAuth__Audience": "previews",
                "Auth__OAuth__SigningKeyFile": path,
            ])
            #expect(file.accessTokens?.keys == .pem("a key in PEM", path: path))
        }
    }

    @Test(arguments: ["Auth__OAuth__JwksUrl", "Auth__OAuth__Issuer"])
    func aURLThatIsRefusedIsNotQuotedWithItsPassword(key: String) throws {
        let environment = Self.tokens.merging([key: "https://user:a-password@keys.example"]) { $1 }
        let error = try #require(throws: SettingsError.self) { try identity(environment) }
        #expect(error.description.contains(key))
        #expect(!error.description.contains("password"))
    }

    @Test(
        arguments: [
            (["Auth__OAuth__Issuer": issuer], "Auth__OAuth__Audience"),
            (["Auth__OAuth__Audience": "previews"], "Auth__OAuth__Issuer"),
            (["Auth__OAuth__JwksUrl": issuer], "Auth__OAuth__Issuer"),
            (["Auth__OAuth__SigningKeyFile": "/key.pem"], "Auth__OAuth__Issuer"),
            (["Auth__OAuth__Issuer": "no URL", "Auth__OAuth__Audience": "previews"], "Auth__OAuth__JwksUrl"),
            (tokens.merging(["Auth__OAuth__JwksUrl": "ftp://a.example"]) { $1 }, "Auth__OAuth__JwksUrl"),
            (tokens.merging(["Auth__OAuth__JwksUrl": "https://u:p@a.example"]) { $1 }, "Auth__OAuth__JwksUrl"),
            (tokens.merging(["Auth__OAuth__SigningKeyFile": "/none.pem"]) { $1 }, "'/none.pem'"),
            (
                tokens.merging(["Auth__OAuth__SigningKeyFile": "/none", "Auth__OAuth__JwksUrl": issuer]) { $1 },
                "expected only one of them"
            ),
            (["Auth__ApiKey": "0123456789abcdef", "Auth__ApiKeyFile": "/key"], "expected only one of them"),
            (["Auth__ApiKeyFile": "/none"], "Auth__ApiKeyFile is '/none'"),
            (["Auth__ServiceAccounts__Service": "runner"], "Auth__ServiceAccounts__Service is 'runner'"),
            (["Auth__ServiceAccounts__Service": "system:serviceaccount:a:b,"], "NAMESPACE"),
            (["Auth__ServiceAccounts__Operators": "system:serviceaccount:A:b"], "NAMESPACE"),
            (["Auth__ServiceAccounts__Operators": "system:serviceaccount::b"], "NAMESPACE"),
            (["Auth__ServiceAccounts__Operators": "system:serviceaccount:a:b:c"], "NAMESPACE"),
            (["Auth__ServiceAccounts__Operators": "system:masters"], "NAMESPACE"),
            (
                [
                    "Auth__ServiceAccounts__Operators": "system:serviceaccount:a:b",
                    "Auth__ServiceAccounts__Service": "system:serviceaccount:a:b",
                ], "expected it in only one of them"
            ),
        ] as [([String: String], String)]
    )
    func settingsThatDoNotFitAreNamed(environment: [String: String], part: String) throws {
        let error = try #require(throws: SettingsError.self) { try identity(environment) }
        #expect(error.description.contains(part))
        #expect(error.description.contains("expected"))
        #expect(!error.description.contains("\n"))
    }
}
