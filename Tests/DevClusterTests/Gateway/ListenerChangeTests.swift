import CurlHTTP
import Logging
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// Tests what Envoy does with open connections when its listener changes.
///
/// Istio changes Envoy's listener when a listener of the Gateway changes. The development cluster never changes its
/// own.
@Suite(
    "Open connections of a listener that changes",
    .enabled(if: TestPrograms.envoy != nil, "ENVOY names no Envoy"),
    .timeLimit(.minutes(2))
)
struct ListenerChangeTests {
    private static let drainSeconds = 1

    @Test(arguments: OpenConnection.Kind.allCases)
    func openConnectionsEndAfterTheDrainTimeAndNewRequestsAreServed(kind: OpenConnection.Kind) async throws {
        try await StreamingApp.run { app in
            try await withEnvoy(appPort: app.port) { port, changeListener in
                let connection = try await OpenConnection(kind, to: app, host: "a.localhost", port: port)
                let start = ContinuousClock.now
                try changeListener()
                _ = await connection.timeUntilEnd()
                // Envoy counts from the time at which its event loop woke up, which is slightly earlier.
                #expect(.now - start >= .seconds(Self.drainSeconds) - .milliseconds(100))
                let next = try await OpenConnection(kind, to: app, host: "a.localhost", port: port)
                try await next.close()
            }
        }
    }

    /// Runs an Envoy that reads its listener from a file, and passes a function to `body` that changes the listener.
    private func withEnvoy(
        appPort: Int,
        _ body: @escaping @Sendable (_ port: Int, _ changeListener: @Sendable () throws -> Void) async throws -> Void
    ) async throws {
        let envoy = try #require(TestPrograms.envoy)
        let port = try #require(ListenerPorts.next { Sockets.canListen(address: "127.0.0.1", port: $0) })
        let adminPort = try #require(ListenerPorts.next { Sockets.canListen(address: "127.0.0.1", port: $0) })
        try await withTemporaryFolder { folder in
            let transport = try CurlTransport()
            let proxy = EnvoyProxy(folder: folder, port: port, adminPort: adminPort, transport: transport)
            try await proxy.prepare()
            var bootstrap = try JSONParser.value(of: proxy.bootstrap.bytes)
            var listener = try #require(bootstrap["static_resources", "listeners"]?[0])
            listener["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener"
            let file = folder + "/listeners.json"
            try write(listener, version: "1", to: file)
            bootstrap["static_resources"] = [:]
            bootstrap["dynamic_resources", "lds_config"] = EnvoyBootstrap.watchedFile(file)
            try PrivateFile.write(JSONWriter.bytes(of: bootstrap), to: proxy.bootstrapFile)
            var command = proxy.command(executable: envoy, logFile: folder + "/envoy.log")
            let drainTime = try #require(command.arguments.firstIndex(of: "--drain-time-s"))
            command.arguments[drainTime + 1] = String(Self.drainSeconds)
            let (arguments, first) = (command, listener)
            try await withBackground("Envoy") {
                _ = try await ChildProcess(watchdog: nil).run(arguments)
            } body: {
                try await proxy.waitUntilServing()
                let plan = GatewayObjects.plan(
                    services: [
                        GatewayObjects.service {
                            $0["spec", "ports"] = [["port": 80, "targetPort": .int(Int64(appPort))]]
                        }
                    ],
                    pods: [GatewayObjects.pod(address: "127.0.0.1")]
                )
                #expect(try await proxy.publish(EnvoyResources(plan: plan, folder: folder)) == .applied)
                try await body(port) {
                    var changed = first
                    // A change of any filter makes Envoy replace the filter chain.
                    let chain: JSONValue = first["filter_chains"]?[0] ?? [:]
                    changed["filter_chains"] = [Self.renamed(chain)]
                    try write(changed, version: "2", to: file)
                }
            }
            await transport.shutdown()
        }
    }

    private static func renamed(_ chain: JSONValue) -> JSONValue {
        var (chain, filter): (JSONValue, JSONValue) = (chain, chain["filters"]?[0] ?? [:])
        filter["typed_config", "stat_prefix"] = "changed"
        chain["filters"] = [filter]
        return chain
    }

    private func write(_ listener: JSONValue, version: String, to file: String) throws {
        let response: JSONValue = ["version_info": .string(version), "resources": [listener]]
        try PrivateFile.write(JSONWriter.bytes(of: response), to: file)
    }
}
