import Foundation
import HTTPTypes
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// The whole service with a real Envoy, and an app that speaks only HTTP/2 without TLS: another Envoy.
@Suite(
    "Apps that do not speak HTTP/1.1",
    .enabled(if: TestPrograms.envoy != nil, "ENVOY names no Envoy"),
    .timeLimit(.minutes(2))
)
struct HTTP2AppTests {
    private static let previews = "/api/runs/\(ServiceUnderTest.run)/sandbox/port-forward"
    private static let zone = "preview.localhost"
    private static let startLimit = Duration.seconds(20)

    @Test func anAppThatSpeaksHTTP2OnlyIsServedThroughTheGateway() async throws {
        try await withHTTP2App { app in
            try await ServiceWithGateway.run(zone: Self.zone) { service, _ in
                let clock = ContinuousClock()
                let began = clock.now
                let answer = try await service.call(.post, Self.previews, body: #"{"target_port": \#(app)}"#)
                #expect(answer["readiness"] == "serving", "\(answer.body)")
                #expect(answer.body.contains(#""app_status":200"#))
                #expect(answer["detail"]?.contains("HTTP/2 without TLS") == true)
                #expect(clock.now - began < .seconds(9), "what is found at once is not waited for")
                let token = try #require(answer["session_id"])
                let check = try await service.call(.get, "\(Self.previews)/\(token)")
                #expect(check["readiness"] == "serving")
                let route = service.store.get(.httpRoutes, namespace: "agentweaver", name: "preview-\(token)")
                #expect(route?["spec", "rules"]?[0]?["backendRefs"]?[0]?["port"] == 81)
            }
        }
    }

    @Test func aPortWithAnotherProtocolGetsItsRouteBackAndIsNamed() async throws {
        try await RawPeer.run({ _, _ in RawPeer.Answer("SSH-2.0-OpenSSH_9.2\r\n", then: .close) }) { app in
            try await ServiceWithGateway.run(zone: Self.zone) { service, _ in
                let answer = try await service.call(.post, Self.previews, body: #"{"target_port": \#(app.port)}"#)
                #expect(answer["readiness"] == "no_app", "\(answer.body)")
                #expect(answer["detail"]?.contains("supports neither HTTP/1.1 nor HTTP/2 without TLS") == true)
                let token = try #require(answer["session_id"])
                let route = service.store.get(.httpRoutes, namespace: "agentweaver", name: "preview-\(token)")
                #expect(route?["spec", "rules"]?[0]?["backendRefs"]?[0]?["port"] == 80)
            }
        }
    }

    /// Runs an app that accepts only HTTP/2 with prior knowledge.
    private func withHTTP2App(_ body: @escaping @Sendable (_ port: Int) async throws -> Void) async throws {
        let envoy = try #require(TestPrograms.envoy)
        let port = try #require(ListenerPorts.next { Sockets.canListen(address: "127.0.0.1", port: $0) })
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let manager: JSONValue = [
            "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "app", "codec_type": "HTTP2",
            "route_config": [
                "virtual_hosts": [
                    [
                        "name": "app", "domains": ["*"],
                        "routes": [
                            [
                                "match": ["prefix": "/"],
                                "direct_response": ["status": 200, "body": ["inline_string": "<h1>the app</h1>"]],
                            ]
                        ],
                    ]
                ]
            ],
            "http_filters": [
                [
                    "name": "envoy.filters.http.router",
                    "typed_config": ["@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"],
                ]
            ],
        ]
        let document: JSONValue = [
            "static_resources": [
                "listeners": [
                    [
                        "name": "app", "address": EnvoyBootstrap.address("127.0.0.1", port: port),
                        "filter_chains": [
                            [
                                "filters": [
                                    [
                                        "name": "envoy.filters.network.http_connection_manager",
                                        "typed_config": manager,
                                    ]
                                ]
                            ]
                        ],
                    ]
                ]
            ]
        ]
        try PrivateFile.write(JSONWriter.bytes(of: document), to: folder.file("envoy.json"))
        let command = ProcessCommand(
            executable: envoy,
            arguments: [
                "-c", folder.file("envoy.json"), "--concurrency", "1", "--disable-hot-restart", "-l", "warning",
            ],
            logFile: folder.file("envoy.log")
        )
        try await withBackground("the app") {
            _ = try await ChildProcess(watchdog: nil).run(command)
        } body: {
            let isUp: Bool? = try await poll(every: .milliseconds(20), limit: Self.startLimit) {
                Sockets.accepts(address: "127.0.0.1", port: port) ? true : nil
            }
            #expect(isUp == true)
            try await body(port)
        }
    }
}
