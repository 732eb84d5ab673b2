import HTTPTypes
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// The whole service, with a gateway that accepts every route at once and an address that the service cannot open.
@Suite("A start whose address cannot be tried", .timeLimit(.minutes(1)))
struct UnreachableAddressTests {
    private static let previews = "/api/runs/\(ServiceUnderTest.run)/sandbox/port-forward"
    private static let longestStart = Duration.milliseconds(2500)

    @Test(arguments: [true, false])
    func anUnreachablePreviewIsUnverifiedSoonAfterItsAcceptance(somebodyListens: Bool) async throws {
        // The listener completes no TLS handshake.
        try await RawPeer.run({ _, _ in RawPeer.Response("", then: .keepOpen) }) { silent in
            let free = try ListenerPorts.free()
            let settings = [
                "Sandbox__Preview__ZoneSuffix": "localhost", "Sandbox__Preview__ReadyTimeoutSeconds": "10",
                "Sandbox__Preview__UrlPort": String(somebodyListens ? silent.port : free),
            ]
            try await ServiceUnderTest.run(settings: settings) { service in
                try service.addSandbox()
                try await withBackground("the gateway") {
                    try await Self.acceptRoutes(service.store)
                } body: {
                    let clock = ContinuousClock()
                    let began = clock.now
                    let answer = try await service.call(.post, Self.previews, body: #"{"target_port": 3000}"#)
                    let duration = clock.now - began
                    #expect(answer["readiness"] == "unverified", "\(answer.body)")
                    #expect(answer.body.contains(#""ready":false"#))
                    #expect(answer["detail"]?.contains("no connection to it could be made") == true)
                    #expect(duration < Self.longestStart, "\(duration)")
                    let list = try await service.call(.get, Self.previews)
                    #expect(list.body.contains(#""readiness":"unverified""#))
                }
            }
        }
    }

    /// Sets the status of every new route to accepted.
    static func acceptRoutes(_ store: ObjectStore) async throws {
        let conditions: [JSONValue] = ["Accepted", "ResolvedRefs"].map { type in
            [
                "type": .string(type), "status": "True", "reason": .string(type), "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            ]
        }
        try await ReconcileLoop(store: store, kinds: [.httpRoutes]).run {
            for route in store.list(.httpRoutes).items where route["status", "parents"]?[0] == nil {
                let entry: JSONValue = [
                    "parentRef": route["spec", "parentRefs"]?[0] ?? [:], "controllerName": "example.com/gateway",
                    "conditions": .array(conditions),
                ]
                try store.updateStatus(.httpRoutes, namespace: route.namespace, name: route.name) {
                    $0["status", "parents"] = [entry]
                }
            }
        }
    }
}
