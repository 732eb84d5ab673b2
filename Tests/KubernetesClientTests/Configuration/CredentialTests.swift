import Basics
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import KubernetesModel
import Synchronization
import TestSupport
import Testing

@testable import KubernetesClient

@Suite("Credentials", .timeLimit(.minutes(10)))
struct CredentialTests {
    private let pod = JSON.object("p")

    private func authorizations(_ fixture: ClientFixture) -> [String] {
        fixture.transport.exchanges.map { $0.request.head.headerFields[.authorization] ?? "" }
    }

    @Test("A token file is re-read after a minute at the latest, and at once after a 401")
    func aTokenFileIsReadAgainAfterAMinuteAndAfterA401() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("token", "one\n")
        let pod = pod
        let fixture = try ClientFixture(credential: .tokenFile(path: path)) { request, _ in
            request.head.headerFields[.authorization] == "Bearer revoked"
                ? .json(401, JSON.status(401, "Unauthorized")) : .json(pod)
        }
        let get: @Sendable () async throws -> Void = {
            _ = try await fixture.client.get(Pod.self, named: "p", in: "n")
        }
        try await get()
        try folder.write("token", "revoked")
        fixture.clock.advance(by: .seconds(59))
        try await get()
        fixture.clock.advance(by: .seconds(2))
        let error = try await fixture.error(get)
        #expect(error?.kind == .unauthorized)
        try folder.write("token", "two")
        try await get()
        #expect(authorizations(fixture) == ["one", "one", "revoked", "revoked", "two"].map { "Bearer \($0)" })
    }

    @Test("While a token file is missing, the last token stays in use")
    func theLastTokenStaysInUseWhileItsFileIsMissing() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("token", "one")
        let pod = pod
        let fixture = try ClientFixture(credential: .tokenFile(path: path)) { _, _ in .json(pod) }
        _ = try await fixture.client.get(Pod.self, named: "p", in: "n")
        try folder.remove("token")
        fixture.clock.advance(by: .seconds(120))
        _ = try await fixture.client.get(Pod.self, named: "p", in: "n")
        #expect(authorizations(fixture) == ["Bearer one", "Bearer one"])
    }

    @Test("In a pod a changed file of authorities makes a new transport within a minute, and no other change does")
    func changedAuthoritiesMakeANewTransportWithinAMinute() async throws {
        let folder = try TemporaryFolder()
        func pem(_ text: String) -> String { "-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n" }
        let (old, new) = (pem("old"), pem("new"))
        try folder.write("ca.crt", old)
        try folder.write("token", "t")
        let configuration = try #require(
            try ClusterConfiguration.inCluster(
                environment: ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"],
                directory: folder.path
            )
        )
        let clock = ManualClock()
        let pod = pod
        let transport = ScriptedTransport(clock: clock) { _, _ in .json(pod) }
        let made = Mutex<[String?]>([])
        let client = KubernetesClient(configuration: configuration, clock: clock) { security in
            made.withLock { $0.append(security.trust.authoritiesPEM) }
            return transport
        }
        func get(after time: Duration) async throws {
            clock.advance(by: time)
            _ = try await client.get(Pod.self, named: "p", in: "n")
        }
        try await get(after: .zero)
        try folder.write("ca.crt", new)
        try await get(after: .seconds(59))
        #expect(made.withLock { $0 } == [old])
        try await get(after: .seconds(1))
        #expect(made.withLock { $0 } == [old, new])
        for unusable in ["no certificate", String(pem("half-written").dropLast(10))] {
            try folder.write("ca.crt", unusable)
            try await get(after: .seconds(60))
        }
        try folder.remove("ca.crt")
        try await get(after: .seconds(60))
        #expect(made.withLock { $0 } == [old, new])
    }

    @Test("A token that never changes is not tried again after a 401")
    func aStaticTokenIsNotTriedAgainAfterA401() async throws {
        let fixture = try ClientFixture(.json(401, JSON.status(401, "Unauthorized")))
        let error = try await fixture.error { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        #expect(error?.kind == .unauthorized)
        #expect(fixture.lines.count == 1)
    }

    @Test("User name and password are sent as basic authentication")
    func userNameAndPasswordAreSentAsBasicAuthentication() async throws {
        let fixture = try ClientFixture(credential: .basic(username: "u", password: Secret("p")), .json(pod))
        _ = try await fixture.client.get(Pod.self, named: "p", in: "n")
        #expect(authorizations(fixture) == ["Basic dTpw"])
    }

    @Test("Secrets are redacted wherever they are printed")
    func printedSecretsAreRedacted() throws {
        let configuration = ClusterConfiguration(
            server: try BaseURL("https://a.example"),
            clientCertificate: ClientCertificate(certificatePEM: "public", keyPEM: Secret("private-key")),
            credential: .token(Secret("t0ken"))
        )
        for text in printedForms(of: configuration) {
            #expect(!text.contains("t0ken") && !text.contains("private-key"))
        }
    }
}

@Suite("Exec plugins", .timeLimit(.minutes(10)))
struct ExecPluginTests {
    private func plugin(_ script: String, _ folder: TemporaryFolder) throws -> ExecPlugin {
        ExecPlugin(
            command: try folder.write("plugin", "#!/bin/sh\n\(script)\n", executable: true),
            arguments: ["login"],
            environment: ["FLAVOUR": "plain"],
            clusterInfo: ExecClusterInfo(server: "https://a.example", config: ["audience": "x"]),
            origin: "config: user u"
        )
    }

    private func failure(_ script: String, clock: any Clock<Duration> = ContinuousClock()) async throws
        -> KubernetesError?
    {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let plugin = try plugin(script, folder)
        return await #expect(throws: KubernetesError.self) { try await ExecPluginRunner(clock: clock).run(plugin) }
    }

    private func credential(_ status: String) -> String {
        #"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":\#(status)}'"#
    }

    @Test("A plugin gets its arguments, its environment and the cluster, and its token is used until it expires")
    func aPluginsTokenIsUsedUntilItExpires() async throws {
        let folder = try TemporaryFolder()
        let script = """
            echo run >> \(folder.path)/runs
            printf '%s %s %s' "$1" "$FLAVOUR" "$KUBERNETES_EXEC_INFO" > \(folder.path)/seen
            \(credential(#"{"token":"t'$(wc -l < FOLDER/runs | tr -d ' ')'","expirationTimestamp":"2026-01-01T00:10:00Z"}"#)
                .replacing("FOLDER", with: folder.path))
            """
        let now = Mutex(try #require(RFC3339.date("2026-01-01T00:00:00Z")))
        let store = CredentialStore(
            configuration: ClusterConfiguration(
                server: try BaseURL("https://a.example"),
                credential: .exec(try plugin(script, folder))
            ),
            clock: ContinuousClock(),
            now: { now.withLock { $0 } }
        )
        let first = try await store.current()
        #expect(first.authorization?.value == "Bearer t1")
        #expect(try await store.current() == first)
        now.withLock { $0 += 601 }
        #expect(try await store.current().authorization?.value == "Bearer t2")
        #expect(try await store.replace(first), "another credential is there already")
        let seen = try folder.read("seen")
        #expect(seen.hasPrefix("login plain "))
        let info = try JSONDecoder().decode(JSONValue.self, from: Data(seen.dropFirst("login plain ".count).utf8))
        #expect(info["spec"]?["interactive"] == false)
        #expect(info["spec"]?["cluster"]?["server"] == "https://a.example")
        #expect(info["spec"]?["cluster"]?["config"] == ["audience": "x"])
    }

    @Test("A new certificate of a plugin creates a new transport, the same one does not")
    func aNewCertificateOfAPluginMakesANewTransport() async throws {
        let folder = try TemporaryFolder()
        try folder.write("pem", "first")
        let status = #"{"clientCertificateData":"'$(cat FOLDER/pem)'","clientKeyData":"key"}"#
        let script = credential(status).replacing("FOLDER", with: folder.path)
        let made = Mutex<[String]>([])
        let clock = ManualClock()
        let transport = ScriptedTransport(
            clock: clock,
            [.json(JSON.object("p")), .json(JSON.object("p")), .json(401, ""), .json(JSON.object("p"))]
        )
        let client = KubernetesClient(
            configuration: ClusterConfiguration(
                server: try BaseURL("https://a.example"),
                credential: .exec(try plugin(script, folder))
            ),
            clock: clock
        ) { security in
            made.withLock { $0.append(security.clientCertificate?.certificatePEM ?? "none") }
            return transport
        }
        _ = try await client.get(Pod.self, named: "p", in: "n")
        try folder.write("pem", "second")
        _ = try await client.get(Pod.self, named: "p", in: "n")
        _ = try await client.get(Pod.self, named: "p", in: "n")
        #expect(made.withLock { $0 } == ["first", "second"])
    }

    @Test("Every fault of a plugin gives one sentence that names the plugin and quotes nothing")
    func everyErrorOfAPluginNamesItAndQuotesNothing() async throws {
        let scripts = [
            ("echo secret-output; exit 3", "failed"),
            ("echo secret-output", "did not print an ExecCredential"),
            (
                credential(#"{"token":"secret"}"#).replacing("k8s.io/v1", with: "k8s.io/v1beta1"),
                "printed an apiVersion other than client.authentication.k8s.io/v1"
            ),
            (credential("{}"), "printed neither a token nor a certificate"),
            (
                credential(#"{"token":"secret","clientKeyData":"secret"}"#),
                "printed a client certificate without its key, or a key without its certificate"
            ),
            (
                credential(#"{"token":"secret","expirationTimestamp":"soon"}"#),
                "printed an invalid expirationTimestamp"
            ),
            ("head -c 2000000 /dev/zero", "printed more than \(ExecPluginRunner.maxOutputBytes) bytes"),
        ]
        for (script, reason) in scripts {
            let error = try await failure(script)
            #expect(error?.kind == .configuration)
            #expect(error?.explanation?.hasPrefix("config: user u: the exec plugin") == true, "\(script)")
            #expect(error?.explanation?.contains(" \(reason)") == true, "\(script)")
            #expect(error?.explanation?.contains("secret") == false, "\(script)")
        }
    }

    @Test("While a plugin hangs, no request waits for longer than its own budget")
    func aHangingPluginKeepsNoRequestBeyondItsBudget() async throws {
        let clock = ManualClock()
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let transport = ScriptedTransport(clock: clock, [])
        let client = KubernetesClient(
            configuration: ClusterConfiguration(
                server: try BaseURL("https://a.example"),
                credential: .exec(try plugin("exec sleep 1000", folder))
            ),
            limits: RequestLimits(totalBudget: .seconds(9)),
            clock: clock
        ) { _ in transport }
        let errors = await withTaskGroup(of: KubernetesError?.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    do {
                        _ = try await client.get(Pod.self, named: "p", in: "n")
                        return nil
                    } catch {
                        return error as? KubernetesError
                    }
                }
            }
            // The budgets, and the deadline of the plugin, which one of them runs.
            await clock.waitForSleepers(4)
            clock.advance(by: .seconds(9))
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(errors.map(\.?.kind) == Array(repeating: .transport(.timedOut), count: 3))
        #expect(transport.exchanges.isEmpty)
    }

    @Test("A plugin that hangs is killed at its deadline")
    func aHangingPluginIsKilledAtItsDeadline() async throws {
        let clock = ManualClock()
        let folder = try TemporaryFolder()
        let plugin = try plugin("echo $$ > \(folder.path)/pid; exec sleep 1000", folder)
        let error = await #expect(throws: KubernetesError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await ExecPluginRunner(clock: clock).run(plugin) }
                await waitWhile { (try? folder.read("pid"))?.contains("\n") != true }
                await clock.waitForSleepers(1)
                clock.advance(by: ExecPluginRunner.deadline)
                try await group.waitForAll()
            }
        }
        #expect(error?.kind == .configuration)
        let pid = try folder.read("pid").trimmed
        #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"))
    }
}
