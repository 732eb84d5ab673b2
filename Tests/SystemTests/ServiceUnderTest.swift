import CurlHTTP
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import KubernetesClient
import Logging
import NIOCore
import PreviewDomain
import ServiceLifecycle
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewCommands

/// The whole service in this process, constructed as in production, on the development cluster's API server.
struct ServiceUnderTest: Sendable {
    static let key = "a-service-key-for-tests"
    private static let issuer = TokenIssuer()
    /// The access token of the runs' owner.
    static let owner = issuer.token(for: ClusterObjects.owner)
    static let run = "3f2a9c1e-0000-4000-8000-000000000001"
    static let otherRun = "4f2a9c1e-0000-4000-8000-000000000002"
    private static let namespace = ClusterObjects.namespace

    let server: APIServer
    let port: Int
    /// Shuts the service down gracefully, as a signal does.
    let services: ServiceGroup
    private let transport: CurlTransport
    private let configured: PreviewService
    /// The path of the cluster's kubeconfig.
    let kubeconfig: String

    var store: ObjectStore { server.store }

    /// The key that verifies access tokens.
    static var issuerKeyPEM: String { issuer.publicKeyPEM }

    /// The default settings of the tests.
    static func settings(issuerKey: String) -> [String: String] {
        [
            "Sandbox__Preview__ZoneSuffix": "preview.example.com", "Sandbox__Preview__ReadyTimeoutSeconds": "0",
            "Auth__ApiKey": key, "Server__Listen": "127.0.0.1:0", "Auth__OAuth__Issuer": TokenIssuer.name,
            "Auth__OAuth__Audience": TokenIssuer.audience, "Auth__OAuth__SigningKeyFile": issuerKey,
            "Server__DrainSeconds": "0",
        ]
    }

    /// Runs the service until `body` returns.
    ///
    /// - Parameters:
    ///   - changes: Changes to the default settings of the tests.
    ///   - configure: Changes the service before it starts.
    static func run(
        settings changes: [String: String] = [:],
        logger: Logger = .silent,
        configure: (inout PreviewService) -> Void = { _ in },
        _ body: @escaping @Sendable (ServiceUnderTest) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (kubeconfig, issuerKey) = (folder.file("kubeconfig"), folder.file("key.pem"))
        try PrivateFile.write(issuerKeyPEM.utf8, to: issuerKey)
        var settings = Self.settings(issuerKey: issuerKey)
        settings.merge(changes) { $1 }
        let flags = settings.map { "\($0)=\($1)" }
        let sources = try SettingsSources(flags: flags, environment: [:], file: nil)
        var service = PreviewService(settings: try Settings(sources), logger: logger, stopSignals: [])
        configure(&service)
        let configured = service
        try await withAPIServer { server in
            try ClusterObjects.install(into: server.store, port: 8088)
            try PrivateFile.write(try await server.kubeconfig(namespace: namespace).utf8, to: kubeconfig)
            try await run(configured, kubeconfig: kubeconfig, server, body)
        }
    }

    /// Ends this replica, and then runs another one with the same settings on the same cluster.
    ///
    /// - Parameter pause: The time without a replica.
    func replaced(
        after pause: Duration,
        _ body: @escaping @Sendable (ServiceUnderTest) async throws -> Void
    ) async throws {
        await services.triggerGracefulShutdown()
        await waitUntil { !Sockets.accepts(address: "127.0.0.1", port: port) }
        try await ContinuousClock().sleep(for: pause)
        try await Self.run(configured, kubeconfig: kubeconfig, server, body)
    }

    private static func run(
        _ configured: PreviewService,
        kubeconfig: String,
        _ server: APIServer,
        _ body: @escaping @Sendable (ServiceUnderTest) async throws -> Void
    ) async throws {
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        var service = configured
        service.cluster = { try ClusterConfiguration.discover(kubeconfig: kubeconfig) }
        service.onRunning = { source.yield($0.localAddress?.port ?? 0) }
        let group = ServiceGroup(services: [Running(service: service)], logger: service.logger)
        let transport = try CurlTransport()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { source.finish() }
                try await group.run()
            }
            do {
                if let port = await ports.first(where: { _ in true }) {
                    let service = ServiceUnderTest(
                        server: server,
                        port: port,
                        services: group,
                        transport: transport,
                        configured: configured,
                        kubeconfig: kubeconfig
                    )
                    try await service.waitUntilReady()
                    try await body(service)
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            } catch {
                await group.triggerGracefulShutdown()
                await transport.shutdown()
                throw error
            }
        }
        await transport.shutdown()
    }

    private struct Running: Service {
        let service: PreviewService

        func run() async throws { try await service.run() }
    }

    private func waitUntilReady() async throws {
        while try await call(.get, "/readyz", bearer: nil).status != 200 { try Task.checkCancellation() }
    }

    // MARK: Requests

    struct Response: Sendable {
        let status: Int
        let headers: HTTPFields
        let body: String

        /// A string member of the body, if the body is an object.
        subscript(_ member: String) -> String? {
            let object = try? JSONDecoder().decode([String: Member].self, from: Data(body.utf8))
            return object?[member]?.text
        }
    }

    private struct Member: Decodable {
        let text: String?

        init(from decoder: any Decoder) throws {
            text = try? decoder.singleValueContainer().decode(String.self)
        }
    }

    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        body: String = "",
        bearer: String? = owner,
        headers: HTTPFields = [:]
    ) async throws -> Response {
        let request = Self.request(method, path, body: body, bearer: bearer, headers: headers, port: port)
        let (head, bytes) = try await transport.collect(request, maxBodyBytes: 1 << 20)
        return Response(
            status: head.status.code,
            headers: head.headerFields,
            body: String(decoding: bytes, as: UTF8.self)
        )
    }

    /// Starts a preview as the owner of ``run``.
    ///
    /// - Parameter members: Further members of the body, each with a comma before it.
    func startPreview(port: Int = 3000, members: String = "") async throws -> Response {
        let body = #"{"target_port": \#(port)\#(members)}"#
        let answer = try await call(.post, "/api/runs/\(Self.run)/sandbox/port-forward", body: body)
        #expect(answer.status == 200, "\(answer.body)")
        return answer
    }

    /// Requests a preview as a run's agent, without waiting for the decision.
    func requestPreview(of run: String = Self.run, port: Int = 3000, bearer: String = Self.key) async throws -> Response
    {
        try await call(
            .post,
            "/api/runs/\(run)/sandbox/preview",
            body: #"{"target_port": \#(port)}"#,
            bearer: bearer,
            headers: [try #require(HTTPField.Name("Prefer")): "respond-async"]
        )
    }

    /// A request with an optional JSON body to a service on loopback.
    static func request(
        _ method: HTTPRequest.Method,
        _ path: String,
        body: String,
        bearer: String? = owner,
        headers: HTTPFields = [:],
        port: Int,
        timeout: Duration = .seconds(60)
    ) -> TransportRequest {
        var fields = headers
        if let bearer { fields[.authorization] = "Bearer \(bearer)" }
        if !body.isEmpty, fields[.contentType] == nil { fields[.contentType] = "application/json" }
        return TransportRequest(
            head: HTTPRequest(
                method: method,
                scheme: "http",
                authority: "127.0.0.1:\(port)",
                path: path,
                headerFields: fields
            ),
            body: Array(body.utf8),
            timeout: timeout
        )
    }

    // MARK: The cluster

    /// Creates the claim, Sandbox and pod of a run in the state in which agent-sandbox leaves them once the pod runs.
    func addSandbox(run: String = run) throws {
        try Self.addSandbox(run: run, to: store)
    }

    static func addSandbox(run: String, to store: ObjectStore) throws {
        try addSandbox(claim: ClusterObjects.claim(run: run), to: store)
    }

    static func addSandbox(claim: JSONValue, to store: ObjectStore) throws {
        let claim = try store.create(.sandboxClaims, namespace: namespace, claim)
        let sandbox = try store.create(
            .sandboxes,
            namespace: namespace,
            SandboxObjects.sandbox(for: claim, template: SandboxTemplate(command: ["true"], port: 3000))
        )
        let pod = try store.create(.pods, namespace: namespace, SandboxObjects.pod(for: sandbox))
        try store.updateStatus(.pods, namespace: namespace, name: pod.name) { $0["status", "phase"] = "Running" }
        try store.updateStatus(.sandboxClaims, namespace: namespace, name: claim.name) { claim in
            claim["status", "sandbox", "name"] = .string(sandbox.name)
            claim["status", "conditions"] = [
                [
                    "type": "Ready", "status": "True", "reason": "Ready", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                ]
            ]
        }
    }

    /// The names of all HTTPRoutes and Services.
    var previewObjects: [String] {
        (store.list(.httpRoutes).items + store.list(.services).items).map(\.name)
    }
}
