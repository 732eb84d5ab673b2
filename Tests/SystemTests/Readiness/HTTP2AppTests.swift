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
        try await RawPeer.run({ _, _ in RawPeer.Response("SSH-2.0-OpenSSH_9.2\r\n", then: .close) }) { app in
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
        let port = try ListenerPorts.free()
        let settings: JSONValue = [
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
        ]
        try await StaticEnvoy.run(at: [port], listeners: [StaticEnvoy.listener(port: port, settings: settings)]) {
            try await body(port)
        }
    }
}
