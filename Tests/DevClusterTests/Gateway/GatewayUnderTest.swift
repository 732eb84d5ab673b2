import CurlHTTP
import HTTPTransport
import HTTPTypes
import Logging
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// A real Envoy that the gateway controller configures from a store with a Gateway, a Service and its ready pod.
struct GatewayUnderTest: Sendable {
    private static let limit = Duration.seconds(20)
    private static let maxPageBytes = 1 << 20

    let store: ObjectStore
    /// The port on 127.0.0.1 of Envoy's listener.
    let port: Int
    private let adminPort: Int
    private let transport: CurlTransport

    /// Runs a gateway until `body` returns.
    ///
    /// - Parameter appPort: The port on 127.0.0.1 of the app in the pod. By default, Envoy's administration page takes
    ///   the place of the app.
    static func run<Result: Sendable>(
        appPort: Int? = nil,
        _ body: @escaping @Sendable (GatewayUnderTest) async throws -> Result
    ) async throws -> Result {
        let envoy = try #require(TestPrograms.envoy)
        let port = try #require(ListenerPorts.next { Sockets.canListen(address: "127.0.0.1", port: $0) })
        let adminPort = try #require(ListenerPorts.next { Sockets.canListen(address: "127.0.0.1", port: $0) })
        return try await withTemporaryFolder { folder in
            let transport = try CurlTransport()
            let store = try store(port: port, appPort: appPort ?? adminPort)
            let proxy = EnvoyProxy(folder: folder, port: port, adminPort: adminPort, transport: transport)
            try await proxy.prepare()
            let command = proxy.command(executable: envoy, logFile: folder + "/envoy.log")
            let result = try await withBackground("Envoy") {
                _ = try await ChildProcess(watchdog: nil).run(command)
            } body: {
                try await proxy.waitUntilServing()
                let controller = GatewayController(
                    store: store,
                    className: GatewayObjects.className,
                    proxy: proxy,
                    logger: Logger(label: "test")
                )
                return try await withBackground("the controller") {
                    try await controller.run()
                } body: {
                    try await body(
                        GatewayUnderTest(store: store, port: port, adminPort: adminPort, transport: transport)
                    )
                }
            }
            await transport.shutdown()
            return result
        }
    }

    private static func store(port: Int, appPort: Int) throws -> ObjectStore {
        let store = ObjectStore()
        try store.create(.namespaces, namespace: nil, ["metadata": ["name": "agentweaver"]])
        let gateway = GatewayObjects.gateway { gateway in
            gateway["spec", "listeners"] = [
                ["name": "http", "protocol": "HTTP", "port": .int(Int64(port)), "hostname": "*.localhost"]
            ]
        }
        let service = GatewayObjects.service {
            $0["spec", "ports"] = [["port": 80, "targetPort": .int(Int64(appPort))]]
        }
        var pod = GatewayObjects.pod()
        pod["spec", "containers"] = [["name": "app", "image": "app"]]
        for (kind, object) in [(ResourceKind.gateways, gateway), (.services, service), (.pods, pod)] {
            try store.create(kind, namespace: "agentweaver", object)
        }
        try store.updateStatus(.pods, namespace: "agentweaver", name: "pod-a") { pod in
            pod["status"] = GatewayObjects.pod(address: "127.0.0.1")["status"]
        }
        return store
    }

    func create(_ kind: ResourceKind, _ object: JSONValue) throws {
        try store.create(kind, namespace: "agentweaver", object)
    }

    func delete(_ kind: ResourceKind, _ name: String = "preview-a") throws {
        try store.delete(kind, namespace: "agentweaver", name: name)
    }

    /// Whether the gateway accepts the current generation of the default route within the time limit.
    func acceptsItsRoute() async throws -> Bool {
        try await poll(every: .milliseconds(5), limit: Self.limit) { () -> Bool? in
            let route = store.get(.httpRoutes, namespace: "agentweaver", name: "preview-a")
            let conditions = route?["status", "parents"]?[0]?["conditions"]?.arrayValue ?? []
            let isCurrent = conditions.allSatisfy {
                $0["status"] == "True" && $0["observedGeneration"] == route?["metadata", "generation"]
            }
            return !conditions.isEmpty && isCurrent ? true : nil
        } ?? false
    }

    /// The status of the answer to a new request for `host`.
    func status(of host: String = "a.localhost") async throws -> Int {
        // Each request has a connection of its own, as from another visitor.
        let transport = try CurlTransport()
        let head = HTTPRequest(method: .get, scheme: "http", authority: "\(host):\(port)", path: "/ready")
        let answer = try await transport.collect(
            TransportRequest(head: head, timeout: .seconds(5)),
            maxBodyBytes: 65_536
        )
        await transport.shutdown()
        return answer.head.status.code
    }

    /// Whether new requests are answered with the status `wanted` within the time limit.
    func becomes(_ wanted: Int, _ host: String = "a.localhost") async throws -> Bool {
        try await poll(every: .milliseconds(5), limit: Self.limit) { () -> Bool? in
            try await status(of: host) == wanted ? true : nil
        } ?? false
    }

    /// Whether Envoy removes the cluster of the default Service within the time limit.
    func removesItsCluster() async throws -> Bool {
        try await poll(every: .milliseconds(5), limit: Self.limit) { () -> Bool? in
            let head = HTTPRequest(method: .get, scheme: "http", authority: "127.0.0.1:\(adminPort)", path: "/clusters")
            let page = try await transport.collect(
                TransportRequest(head: head, timeout: .seconds(5)),
                maxBodyBytes: Self.maxPageBytes
            )
            return String(decoding: page.body, as: UTF8.self).contains("preview-a") ? nil : true
        } ?? false
    }
}
