import TestSupport
import Testing

@testable import DevCluster

@Suite(
    "Envoy, configured from the cluster",
    .enabled(if: TestPrograms.envoy != nil, "ENVOY names no Envoy"),
    .timeLimit(.minutes(10))
)
struct GatewayEndToEndTests {
    @Test func aRouteServesItsPodFromItsAcceptanceToItsDeletion() async throws {
        try await GatewayUnderTest.run { gateway in
            #expect(try await gateway.status() == 404)
            try gateway.create(.httpRoutes, GatewayObjects.route())
            #expect(try await gateway.acceptsItsRoute())
            #expect(try await gateway.status() == 200)
            #expect(try await gateway.status(of: "b.localhost") == 404)

            try gateway.store.updateStatus(.pods, namespace: "agentweaver", name: "pod-a") { pod in
                pod["status", "conditions"] = [["type": "Ready", "status": "False"]]
            }
            #expect(try await gateway.becomes(503))

            try gateway.delete(.httpRoutes)
            #expect(try await gateway.becomes(404))
        }
    }

    @Test func routesThatShareAHostnameBreakNothing() async throws {
        try await GatewayUnderTest.run { gateway in
            try gateway.create(.httpRoutes, GatewayObjects.route("one", hostname: "a.localhost"))
            try gateway.create(.httpRoutes, GatewayObjects.route("two", hostname: "a.localhost"))
            try gateway.create(.httpRoutes, GatewayObjects.route("three", hostname: "*.a.localhost"))
            #expect(try await gateway.becomes(200))
            #expect(try await gateway.becomes(200, "b.a.localhost"))
        }
    }
}
