import FoundationEssentials
import Logging
import PreviewControl
import PreviewDomain
import PreviewIdentity
import PreviewServer
import Router
import Testing

@testable import PreviewCommands

@Suite("Settings", .timeLimit(.minutes(10)))
struct SettingsTests {
    private static let minimum = [
        "Sandbox__Preview__ZoneSuffix": "preview.example.com", "Auth__ApiKey": "0123456789abcdef",
    ]

    private func settings(
        flags: [String] = [],
        environment: [String: String] = minimum,
        file: String? = nil
    ) throws -> Settings {
        try Settings(SettingsSources(flags: flags, environment: environment, file: file))
    }

    @Test(arguments: ["Server__TLSCertificateFile", "Server__TLSPrivateKeyFile"])
    func aRemovedSettingSaysWhatToDoInstead(key: String) throws {
        let environment = Self.minimum.merging([key: "/tls/tls.crt"]) { $1 }
        let error = #expect(throws: SettingsError.self) { try settings(environment: environment) }
        #expect(
            error?.description
                == "\(key) (from the environment) is no longer a setting: the service listens without TLS, see Docs/TLS.md"
        )
    }

    @Test func theDefaultsAreTheContracts() throws {
        let settings = try settings()
        #expect(settings.cluster.namespace == "agentweaver")
        #expect(settings.cluster.gatewayName == "agentweaver-preview-gateway")
        #expect(settings.cluster.gatewayNamespace == "agentweaver")
        #expect(settings.cluster.policy.isEnabled)
        #expect(settings.cluster.policy.ports == PortPolicy(allowed: 3000...9000))
        #expect(settings.cluster.policy.limits == PreviewLimits(perRun: 3, global: 20))
        #expect(settings.cluster.policy.lifetime.idleTimeout == .seconds(1800))
        #expect(settings.cluster.policy.lifetime.maxLifetime == .seconds(28_800))
        #expect(settings.cluster.connectionLimit == nil)
        #expect(settings.cluster.policy.lifetime.keepaliveCoalesce == .seconds(180))
        #expect(settings.cluster.policy.lifetime.keepsAfterRun)
        #expect(settings.cluster.policy.orphanGrace == .seconds(120))
        #expect(settings.cluster.policy.outageGrace == .seconds(150))
        #expect(settings.cluster.policy.sweepInterval == .seconds(60))
        #expect(settings.cluster.policy.readyTimeout == .seconds(10))
        #expect(!settings.approvals.approvesAutomatically)
        #expect(settings.approvals.window == .seconds(300))
        #expect(settings.address.scheme == .https)
        #expect(settings.address.port == nil)
        #expect(settings.identity.serviceUser == "agentweaver-internal")
        #expect(settings.server.listen == ListenAddress(host: "0.0.0.0", port: 8080))
    }

    @Test(
        arguments: ["Sandbox__Preview__AutoApprove", "SANDBOX_PREVIEW_AUTO_APPROVE"],
        ["true", "1", "yes", "on", " TRUE ", "false", "Off\n"]
    )
    func bothNamesSwitchAutomaticApproval(key: String, value: String) throws {
        let settings = try settings(environment: Self.minimum.merging([key: value]) { $1 })
        #expect(settings.approvals.approvesAutomatically == !["false", "Off\n"].contains(value))
    }

    @Test(arguments: ["", " ", "\n"])
    func anEmptyValueIsAsIfTheKeyWereNotThere(value: String) throws {
        let empty = Dictionary(uniqueKeysWithValues: Settings.keys.map { ($0, value) })
        let settings = try settings(environment: empty.merging(Self.minimum) { $1 })
        #expect(settings.cluster.policy.limits == PreviewLimits(perRun: 3, global: 20))
        #expect(settings.coreAPI == nil && settings.identity.accessTokens == nil)
        // An empty flag does not override the environment.
        let key = "Sandbox__Preview__MaxConcurrentSessionsPerRun"
        let flagged = try self.settings(
            flags: ["\(key)=\(value)"],
            environment: Self.minimum.merging([key: "7"]) { $1 }
        )
        #expect(flagged.cluster.policy.limits.perRun == 7)
    }

    @Test func anUnknownKeyIsRefusedEvenWithoutAValue() {
        #expect(throws: SettingsError.self) {
            try settings(environment: Self.minimum.merging(["Server__Lisen": ""]) { $1 })
        }
    }

    @Test(arguments: ["hunter2hunter2hunter2", "Auth__ApiKey:hunter2", "=hunter2"])
    func aFlagWithoutAKeyIsRefusedAndNotShown(flag: String) throws {
        let error = #expect(throws: SettingsError.self) { try settings(flags: ["Server__DrainSeconds=1", flag]) }
        #expect(error?.description == "--set number 2 of 2: expected KEY=VALUE")
    }

    @Test func blanksAroundAValueDoNotMatter() throws {
        var environment = Self.minimum
        environment["Sandbox__Preview__MaxConcurrentSessionsPerRun"] = " 7\n"
        environment["Sandbox__Preview__IdleTimeoutMinutes"] = "\t0.5 "
        environment["Server__RequestsPerSecond"] = " 12.5"
        environment["Log__Level"] = " Debug "
        environment["Sandbox__Preview__UrlScheme"] = "HTTP "
        environment["Sandbox__Preview__HostHeader"] = " Localhost\n"
        environment["Sandbox__Preview__ZoneSuffix"] = " preview.example.com\n"
        environment["Server__Listen"] = "127.0.0.1:9000\n"
        let settings = try settings(environment: environment)
        #expect(settings.cluster.policy.limits.perRun == 7)
        #expect(settings.cluster.policy.lifetime.idleTimeout == .seconds(30))
        #expect(settings.server.requests.requestsPerSecond == 12.5)
        #expect(settings.logLevel == .debug)
        #expect(settings.address.scheme == .http)
        #expect(settings.cluster.policy.hostHeader == .localhost)
        #expect(settings.address.zone.text == "preview.example.com")
        #expect(settings.server.listen == ListenAddress(host: "127.0.0.1", port: 9000))
    }

    @Test func whetherPodsAreLabelledIsASetting() throws {
        #expect(try settings(environment: Self.minimum).cluster.policy.labelsPods == false)
        let set = Self.minimum.merging(["Sandbox__Preview__LabelPods": "true"]) { $1 }
        #expect(try settings(environment: set).cluster.policy.labelsPods)
    }

    @Test func whetherOwnersMayApproveForEveryRunIsASetting() throws {
        let key = "Sandbox__Preview__OwnersMayApproveAlways"
        #expect(try settings(environment: Self.minimum).approvals.ownersMayApproveAlways)
        let set = Self.minimum.merging([key: "false"]) { $1 }
        #expect(try settings(environment: set).approvals.ownersMayApproveAlways == false)
    }

    @Test func theRouterIsOffUnlessItIsSwitchedOnAndHasACoreAPI() throws {
        #expect(try settings(environment: Self.minimum).router == nil)
        let on = Self.minimum.merging(["Router__Enabled": "true", "Router__HeadTimeoutSeconds": "7"]) { $1 }
        let core = ["Agentweaver__ApiBaseUrl": "http://agentweaver-api:8080"]
        #expect(try settings(environment: on.merging(core) { $1 }).router?.headTimeout == .seconds(7))
        let error = #expect(throws: SettingsError.self) { _ = try settings(environment: on) }
        #expect(error?.description.contains("Agentweaver__ApiBaseUrl") == true)
    }

    @Test func twoNamesThatContradictEachOtherStopTheStart() throws {
        let both = ["Sandbox__Preview__AutoApprove": "false", "SANDBOX_PREVIEW_AUTO_APPROVE": "true"]
        let error = #expect(throws: SettingsError.self) {
            _ = try settings(environment: Self.minimum.merging(both) { $1 })
        }
        for key in both.keys { #expect(error?.description.contains(key) == true) }
    }

    @Test func flagsWinOverTheEnvironmentWhichWinsOverTheFile() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try """
        Sandbox:
          Preview:
            IdleTimeoutMinutes: 0.5
            MaxConcurrentSessionsPerRun: 7
            Namespace: from-file
        Server__Listen: "[::1]:9000"
        """.write(to: file, atomically: true, encoding: .utf8)
        var environment = Self.minimum
        environment["Sandbox__Preview__Namespace"] = "from-environment"
        environment["Sandbox__Preview__MaxConcurrentSessionsPerRun"] = "8"
        let settings = try settings(
            flags: ["Sandbox__Preview__Namespace=from-flag"],
            environment: environment,
            file: file.path
        )
        #expect(settings.cluster.namespace == "from-flag")
        #expect(settings.cluster.policy.limits.perRun == 8)
        #expect(settings.cluster.policy.lifetime.idleTimeout == .seconds(30))
        #expect(settings.server.listen == ListenAddress(host: "::1", port: 9000))
    }

    @Test(arguments: [
        ("Sandbox__Preview__Enabled", "maybe"), ("Sandbox__Preview__ZoneSuffix", "not a zone"),
        ("Sandbox__Preview__GatewayName", "two\nlines"),
        ("Sandbox__Preview__IdleTimeoutMinutes", "0"), ("Sandbox__Preview__IdleTimeoutMinutes", "nan"),
        ("Sandbox__Preview__IdleTimeoutMinutes", "-1"), ("Sandbox__Preview__IdleTimeoutMinutes", "inf"),
        ("Sandbox__Preview__MaxConnectionMinutes", "0"), ("Sandbox__Preview__MaxConnectionMinutes", "10081"),
        ("Sandbox__Preview__MaxLifetimeHours", "forever"), ("Sandbox__Preview__AllowedPortMin", "0"),
        ("Sandbox__Preview__AllowedPortMax", "65536"), ("Sandbox__Preview__AllowedPortMin", "9001"),
        ("Sandbox__Preview__MaxConcurrentSessionsPerRun", "0"), ("Sandbox__Preview__UrlScheme", "ftp"),
        ("Sandbox__Preview__UrlPort", "0"), ("Sandbox__Preview__OutageGraceSeconds", "-1"),
        ("Sandbox__Preview__OutageGraceSeconds", "3601"), ("Sandbox__Preview__GatewayName", "Not_A_Name"),
        ("Server__Listen", "8080"), ("Server__Listen", "::1:80"), ("Log__Level", "loud"), ("Log__Format", "xml"),
        ("Server__DrainSeconds", "-1"), ("Server__DrainSeconds", "16"), ("Server__DrainSeconds", "soon"),
        ("Server__AllowedOrigins", "vscode-file"), ("Server__AllowedOrigins", "https://a.example/"),
    ])
    func aBadValueIsNamedWithItsKeyAndWhatIsAllowed(key: String, value: String) throws {
        var environment = Self.minimum
        environment[key] = value
        let error = #expect(throws: SettingsError.self) { try settings(environment: environment) }
        #expect(error?.description.contains(key) == true)
        #expect(error?.description.contains("expected") == true)
        #expect(error?.description.contains("\n") == false)
    }

    @Test func aReplicaDrainsForFiveSecondsUnlessItIsToldOtherwise() throws {
        #expect(try settings(environment: Self.minimum).server.drainTime == .seconds(5))
        for (value, time) in [("0", Duration.zero), ("2.5", .milliseconds(2500)), ("15", .seconds(15))] {
            var environment = Self.minimum
            environment["Server__DrainSeconds"] = value
            #expect(try settings(environment: environment).server.drainTime == time)
        }
    }

    @Test(arguments: ["1", "10", "10.9"])
    func anOrphanGraceThatIsShorterThanAStartMayTakeIsRefused(value: String) throws {
        var environment = Self.minimum
        environment["Sandbox__Preview__OrphanGraceSeconds"] = value
        let error = #expect(throws: SettingsError.self) { try settings(environment: environment) }
        #expect(
            error?.description == """
                Sandbox__Preview__OrphanGraceSeconds is '\(value)' (from the environment): expected a number of seconds \
                from 11 to 3600
                """
        )
        environment["Sandbox__Preview__OrphanGraceSeconds"] = "11"
        #expect(try settings(environment: environment).cluster.policy.orphanGrace > PreviewPolicy.longestProvisioning)
    }

    @Test func aKeyIsNeverPrinted() throws {
        var environment = Self.minimum
        environment["Auth__ApiKey"] = "short-secret"
        let error = #expect(throws: SettingsError.self) { try settings(environment: environment) }
        #expect(error?.description.contains("short-secret") == false)
        #expect("\(try self.settings().identity)".contains("0123456789abcdef") == false)
    }

    @Test func theCoreAPIsAddressIsCheckedAndNeverQuoted() throws {
        var environment = Self.minimum
        #expect(try settings(environment: environment).coreAPI == nil)
        environment["Agentweaver__ApiBaseUrl"] = "http://core.agentweaver.svc:8080/"
        #expect(try settings(environment: environment).coreAPI.map { "\($0)" } == "http://core.agentweaver.svc:8080")
        for value in ["core.agentweaver.svc", "https://ada:pass-word@core.example.com", "ftp://core.example.com"] {
            environment["Agentweaver__ApiBaseUrl"] = value
            let error = #expect(throws: SettingsError.self) { try settings(environment: environment) }
            #expect(error?.description.contains("Agentweaver__ApiBaseUrl") == true)
            #expect(error?.description.contains("expected an http or https URL") == true)
            #expect(error?.description.contains("pass-word") == false)
        }
    }

    @Test func anUnknownKeyIsRefused() throws {
        var environment = Self.minimum
        environment["Sandbox__Preview__IdleTimeout"] = "30"
        let error = #expect(throws: SettingsError.self) { try settings(environment: environment) }
        #expect(error?.description.contains("Sandbox__Preview__IdleTimeout ") == true)
    }

    @Test func withoutAZoneItDoesNotStart() throws {
        let error = #expect(throws: SettingsError.self) {
            try settings(environment: ["Auth__ApiKey": "0123456789abcdef"])
        }
        #expect(error?.description.contains("ZoneSuffix") == true)
    }
}
