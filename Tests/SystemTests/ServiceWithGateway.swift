import CurlHTTP
import Foundation
import Logging
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// The whole service with a real Envoy, and a sandbox whose pod has the address 127.0.0.1.
enum ServiceWithGateway {
    /// - Parameters:
    ///   - zone: The previews' zone, `localhost` or below it.
    ///   - body: Gets the service and the port on 127.0.0.1 of Envoy's listener.
    static func run(
        settings changes: [String: String] = [:],
        zone: String,
        _ body: @escaping @Sendable (ServiceUnderTest, Int) async throws -> Void
    ) async throws {
        let envoy = try #require(TestPrograms.envoy)
        let port = try ListenerPorts.free()
        let adminPort = try ListenerPorts.free()
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let settings = [
            "Sandbox__Preview__ZoneSuffix": zone, "Sandbox__Preview__UrlScheme": "http",
            "Sandbox__Preview__UrlPort": String(port), "Sandbox__Preview__ReadyTimeoutSeconds": "10",
            "Sandbox__Preview__AllowedPortMin": "1024", "Sandbox__Preview__AllowedPortMax": "65535",
        ].merging(changes) { $1 }
        try await ServiceUnderTest.run(settings: settings) { service in
            let transport = try CurlTransport()
            try service.addServingSandbox()
            try service.store.update(
                .gateways,
                namespace: ClusterObjects.namespace,
                name: ClusterObjects.gateway
            ) { $0["spec", "listeners"] = [["name": "previews", "protocol": "HTTP", "port": .int(Int64(port))]] }
            let proxy = EnvoyProxy(folder: folder.path, port: port, adminPort: adminPort, transport: transport)
            try await proxy.prepare()
            try await withBackground("Envoy") {
                _ = try await ChildProcess(watchdog: nil).run(
                    proxy.command(executable: envoy, logFile: folder.file("envoy.log"))
                )
            } body: {
                try await proxy.waitUntilServing()
                let controller = GatewayController(
                    store: service.store,
                    className: ClusterObjects.gatewayClass,
                    proxy: proxy,
                    logger: .silent
                )
                try await withBackground("the gateway controller") {
                    try await controller.run()
                } body: {
                    try await body(service, port)
                }
            }
            await transport.shutdown()
        }
    }
}

extension ServiceUnderTest {
    /// Adds a sandbox whose pod has an address and is ready.
    fileprivate func addServingSandbox() throws {
        try addSandbox()
        let name = ClusterObjects.claimName(run: Self.run)
        try store.updateStatus(.pods, namespace: ClusterObjects.namespace, name: name) { pod in
            pod["status", "podIP"] = "127.0.0.1"
            pod["status", "conditions"] = [["type": "Ready", "status": "True"]]
        }
    }
}
