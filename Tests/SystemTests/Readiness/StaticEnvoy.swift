import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// A real Envoy whose configuration does not change.
enum StaticEnvoy {
    private static let startLimit = Duration.seconds(20)

    /// Runs Envoy while `body` runs, which begins once these ports accept connections.
    static func run<Result: Sendable>(
        at ports: [Int],
        listeners: [JSONValue],
        clusters: [JSONValue] = [],
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let envoy = try #require(TestPrograms.envoy)
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let document: JSONValue = ["static_resources": ["listeners": .array(listeners), "clusters": .array(clusters)]]
        try PrivateFile.write(JSONWriter.bytes(of: document), to: folder.file("envoy.json"))
        let command = ProcessCommand(
            executable: envoy,
            arguments: [
                "-c", folder.file("envoy.json"), "--concurrency", "1", "--disable-hot-restart", "-l", "warning",
            ],
            logFile: folder.file("envoy.log")
        )
        return try await withBackground("Envoy") {
            _ = try await ChildProcess(watchdog: nil).run(command)
        } body: {
            let isUp: Bool? = try await poll(every: .milliseconds(20), limit: startLimit) {
                ports.allSatisfy { Sockets.accepts(address: "127.0.0.1", port: $0) } ? true : nil
            }
            #expect(isUp == true)
            return try await body()
        }
    }

    /// A listener on loopback.
    ///
    /// - Parameters:
    ///   - settings: The settings of the HTTP connection manager besides its filters.
    ///   - transportSocket: The TLS settings; `nil` for plain HTTP.
    static func listener(port: Int, settings: JSONValue, transportSocket: JSONValue? = nil) -> JSONValue {
        var manager = settings
        manager["@type"] =
            "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
        manager["http_filters"] = [
            [
                "name": "envoy.filters.http.router",
                "typed_config": ["@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"],
            ]
        ]
        var chain: JSONValue = [
            "filters": [["name": "envoy.filters.network.http_connection_manager", "typed_config": manager]]
        ]
        chain["transport_socket"] = transportSocket
        return [
            "name": .string("port-\(port)"), "address": EnvoyBootstrap.address("127.0.0.1", port: port),
            "filter_chains": [chain],
        ]
    }
}

extension ListenerPorts {
    /// A port on 127.0.0.1 at which nothing listens.
    static func free() throws -> Int {
        try #require(next { Sockets.canListen(address: "127.0.0.1", port: $0) })
    }
}
