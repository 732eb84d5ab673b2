import CurlHTTP
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Logging
import Testing

@testable import DevCluster

/// The Envoy that the variable `ENVOY` names.
private enum EnvoyUnderTest {
    static let path = ProcessInfo.processInfo.environment["ENVOY"].flatMap { path in
        FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }
}

@Suite("Envoy, programmed from the cluster", .enabled(if: EnvoyUnderTest.path != nil, "ENVOY names no Envoy"))
struct GatewayEndToEndTests {
    private static let limit = Duration.seconds(20)

    @Test func aRouteServesItsPodFromItsAcceptanceToItsDeletion() async throws {
        try await withGateway { store, port in
            #expect(try await status(of: "a.localhost", port) == 404)
            try create(.httpRoutes, GatewayObjects.route(), in: store)
            let isAccepted = try await poll(every: .milliseconds(5), limit: Self.limit) { () -> Bool? in
                let route = store.get(.httpRoutes, namespace: "agentweaver", name: "preview-a")
                let parent = route?["status", "parents"]?[0]
                return parent?["conditions"]?.arrayValue?.allSatisfy { $0["status"] == "True" }
            }
            #expect(isAccepted == true)
            #expect(try await status(of: "a.localhost", port) == 200)
            #expect(try await status(of: "b.localhost", port) == 404)

            try store.updateStatus(.pods, namespace: "agentweaver", name: "pod-a") { pod in
                pod["status", "conditions"] = [["type": "Ready", "status": "False"]]
            }
            #expect(try await becomes(503, "a.localhost", port))

            try store.delete(.httpRoutes, namespace: "agentweaver", name: "preview-a")
            #expect(try await becomes(404, "a.localhost", port))
        }
    }

    @Test func routesThatShareAHostnameBreakNothing() async throws {
        try await withGateway { store, port in
            try create(.httpRoutes, GatewayObjects.route("one", hostname: "a.localhost"), in: store)
            try create(.httpRoutes, GatewayObjects.route("two", hostname: "a.localhost"), in: store)
            try create(.httpRoutes, GatewayObjects.route("three", hostname: "*.a.localhost"), in: store)
            #expect(try await becomes(200, "a.localhost", port))
            #expect(try await becomes(200, "b.a.localhost", port))
        }
    }

    // MARK: Set-up

    /// Runs Envoy and the controller over a store with a Gateway, a Service and its ready pod.
    private func withGateway(_ body: @escaping @Sendable (ObjectStore, Int) async throws -> Void) async throws {
        let envoy = try #require(EnvoyUnderTest.path)
        let port = try #require(Sockets.freePort(address: "127.0.0.1"))
        let adminPort = try #require(Sockets.freePort(address: "127.0.0.1"))
        try await withFolder { folder in
            let transport = try CurlTransport()
            let store = ObjectStore()
            try store.create(.namespaces, namespace: nil, ["metadata": ["name": "agentweaver"]])
            try create(
                .gateways,
                GatewayObjects.gateway { gateway in
                    gateway["spec", "listeners"] = [
                        ["name": "http", "protocol": "HTTP", "port": .int(Int64(port)), "hostname": "*.localhost"]
                    ]
                },
                in: store
            )
            // Envoy's own administration page plays the app.
            let service = GatewayObjects.service {
                $0["spec", "ports"] = [["port": 80, "targetPort": .int(Int64(adminPort))]]
            }
            try create(.services, service, in: store)
            var pod = GatewayObjects.pod()
            pod["spec", "containers"] = [["name": "app", "image": "app"]]
            try create(.pods, pod, in: store)
            try store.updateStatus(.pods, namespace: "agentweaver", name: "pod-a") { pod in
                pod["status"] = GatewayObjects.pod(address: "127.0.0.1")["status"]
            }
            let proxy = EnvoyProxy(folder: folder, port: port, adminPort: adminPort, transport: transport)
            try await proxy.prepare()
            let command = proxy.command(executable: envoy, logFile: folder + "/envoy.log")
            try await withBackground("Envoy") {
                _ = try await ChildProcess(watchdog: nil).run(command)
            } body: {
                try await proxy.waitUntilServing()
                let controller = GatewayController(
                    store: store,
                    className: GatewayObjects.className,
                    proxy: proxy,
                    logger: Logger(label: "test")
                )
                try await withBackground("the controller") {
                    try await controller.run()
                } body: {
                    try await body(store, port)
                }
            }
            await transport.shutdown()
        }
    }

    private func create(_ kind: ResourceKind, _ object: JSONValue, in store: ObjectStore) throws {
        try store.create(kind, namespace: "agentweaver", object)
    }

    private func status(of host: String, _ port: Int) async throws -> Int {
        let transport = try CurlTransport()
        let head = HTTPRequest(method: .get, scheme: "http", authority: "\(host):\(port)", path: "/ready")
        let answer = try await transport.collect(
            TransportRequest(head: head, timeout: .seconds(5)),
            maxBodyBytes: 65_536
        )
        await transport.shutdown()
        return answer.head.status.code
    }

    private func becomes(_ wanted: Int, _ host: String, _ port: Int) async throws -> Bool {
        try await poll(every: .milliseconds(5), limit: Self.limit) { () -> Bool? in
            try await status(of: host, port) == wanted ? true : nil
        } ?? false
    }
}
