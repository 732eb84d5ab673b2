import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// Tests what happens to a WebSocket and an event stream that are open when a preview ends.
///
/// The table in Docs/Decisions/0042 states the results of these tests.
@Suite(
    "Open connections through Envoy",
    .enabled(if: TestPrograms.envoy != nil, "ENVOY names no Envoy"),
    .timeLimit(.minutes(2))
)
struct OpenConnectionTests {
    typealias Kind = OpenConnection.Kind

    /// The limit that the routes of these tests set for connections. Envoy counts from the time at which its event loop
    /// woke up, so the measured time may be slightly shorter.
    private static let limit = Duration.milliseconds(800)
    private static let limitText = "800ms"
    private static let streamDuration = "x-envoy-upstream-stream-duration-ms"

    /// What is removed while a connection is open, in the order of removal.
    enum Removal: String, CaseIterable, Sendable {
        /// The order in which the service ends a preview that is stopped, idle or past its maximum lifetime.
        case routeThenService
        case serviceThenRoute
        case endpoint

        func callAsFunction(_ gateway: GatewayUnderTest) async throws {
            switch self {
            case .routeThenService:
                try gateway.delete(.httpRoutes)
                #expect(try await gateway.becomes(404))
                try gateway.delete(.services)
            case .serviceThenRoute:
                try gateway.delete(.services)
                #expect(try await gateway.becomes(500))
                try gateway.delete(.httpRoutes)
            case .endpoint:
                try gateway.store.updateStatus(.pods, namespace: "agentweaver", name: "pod-a") { pod in
                    pod["status", "conditions"] = [["type": "Ready", "status": "False"]]
                }
                #expect(try await gateway.becomes(503))
                return
            }
            #expect(try await gateway.becomes(404))
            #expect(try await gateway.removesItsCluster())
        }
    }

    @Test(arguments: Kind.allCases, Removal.allCases)
    func openConnectionsContinueWithoutTheirRouteOrService(kind: Kind, removal: Removal) async throws {
        try await withPreview { app, gateway in
            let connection = try await open(kind, app, gateway)
            try await removal(gateway)
            #expect(await connection.passesBytes())
            try await connection.close()
        }
    }

    @Test func aKeptConnectionServesNoRequestAfterTheRoutesEnd() async throws {
        try await withPreview { _, gateway in
            let client = try await RawClient.connect(to: gateway.port)
            let request = "GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n"
            try await client.send(request)
            #expect(await client.receive { $0.hasSuffix("ok") }.hasPrefix("HTTP/1.1 200 "))
            try gateway.delete(.httpRoutes)
            #expect(try await gateway.becomes(404))
            try await client.send(request)
            #expect(await client.receive { $0.contains("HTTP/1.1 404 ") }.contains("HTTP/1.1 404 "))
            try await client.close()
        }
    }

    @Test(arguments: Kind.allCases)
    func theEndOfThePodEndsOpenConnections(kind: Kind) async throws {
        try await withPreview { app, gateway in
            let connection = try await open(kind, app, gateway)
            app.closeConnections()
            _ = await connection.timeUntilEnd()
        }
    }

    @Test(arguments: Kind.allCases)
    func theEndOfTheGatewayEndsOpenConnections(kind: Kind) async throws {
        try await StreamingApp.run { app in
            let connection = try await GatewayUnderTest.run(appPort: app.port) { gateway in
                try await startPreview(on: gateway)
                return try await open(kind, app, gateway)
            }
            _ = await connection.timeUntilEnd()
        }
    }

    @Test func aRequestTimeoutEndsAnEventStreamAndNoWebSocket() async throws {
        let rule = GatewayObjects.limitedRule(timeout: Self.limitText)
        try await withPreview(rule: rule) { app, gateway in
            let socket = try await open(.webSocket, app, gateway)
            let stream = try await open(.eventStream, app, gateway)
            #expect(await stream.timeUntilEnd() >= Self.limit - .milliseconds(100))
            #expect(await socket.passesBytes())
            try await socket.close()
        }
    }

    @Test(arguments: Kind.allCases)
    func envoysStreamDurationEndsBothAndIsHiddenFromTheApp(kind: Kind) async throws {
        let rule = GatewayObjects.limitedRule(timeout: "0s", header: (Self.streamDuration, "800"))
        try await withPreview(rule: rule) { app, gateway in
            let connection = try await open(kind, app, gateway)
            #expect(await connection.timeUntilEnd() >= Self.limit - .milliseconds(100))
            #expect(!app.heads.contains { $0.lowercased().contains("duration") })
        }
    }

    /// Envoy reads the limits from the route when a request begins.
    @Test(arguments: Kind.allCases)
    func aLimitThatIsSetLaterConcernsNewRequestsOnly(kind: Kind) async throws {
        try await withPreview { app, gateway in
            let old = try await open(kind, app, gateway)
            let rule = GatewayObjects.limitedRule(
                timeout: Self.limitText,
                header: (Self.streamDuration, "800")
            )
            try gateway.store.update(.httpRoutes, namespace: "agentweaver", name: "preview-a") { route in
                route["spec", "rules"] = [rule]
            }
            #expect(try await gateway.acceptsItsRoute())
            let new = try await open(kind, app, gateway)
            #expect(await new.timeUntilEnd() >= Self.limit - .milliseconds(100))
            #expect(await old.passesBytes())
            try await old.close()
        }
    }

    // MARK: Set-up

    private func open(_ kind: Kind, _ app: StreamingApp, _ gateway: GatewayUnderTest) async throws -> OpenConnection {
        try await OpenConnection(kind, to: app, host: "a.localhost", port: gateway.port)
    }

    private func startPreview(on gateway: GatewayUnderTest, rule: JSONValue? = nil) async throws {
        try gateway.create(.httpRoutes, GatewayObjects.route { if let rule { $0["spec", "rules"] = [rule] } })
        #expect(try await gateway.becomes(200))
    }

    private func withPreview(
        rule: JSONValue? = nil,
        _ body: @escaping @Sendable (StreamingApp, GatewayUnderTest) async throws -> Void
    ) async throws {
        try await StreamingApp.run { app in
            try await GatewayUnderTest.run(appPort: app.port) { gateway in
                try await startPreview(on: gateway, rule: rule)
                try await body(app, gateway)
            }
        }
    }
}
