import HTTPTypes
import PreviewCluster
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewCommands

/// The whole service in a zone whose name servers it does not control, with a gateway that accepts every route at once.
@Suite("A start in a zone whose name servers misbehave", .timeLimit(.minutes(2)))
struct ForeignZoneTests {
    private static let previews = "/api/runs/\(ServiceUnderTest.run)/sandbox/port-forward"
    private static let zone = "previews.invalid"
    private static let longestStart = Duration.milliseconds(2500)

    /// The answers of the zone's servers and of the local resolver for a preview's name, and the response to the
    /// caller.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let ofZone: DNSPeer.Answer
        let ofResolver: DNSPeer.Answer
        let readiness: String
        let detail: String
    }

    private static let notInDNS = "The preview's name is not in DNS"
    private static let cases: [Case] = [
        Case(
            testDescription: "NXDOMAIN",
            ofZone: .absent,
            ofResolver: .silence,
            readiness: "no_name",
            detail: notInDNS
        ),
        Case(
            testDescription: "refused, and NXDOMAIN by the resolver",
            ofZone: .refused,
            ofResolver: .absent,
            readiness: "no_name",
            detail: notInDNS
        ),
        Case(
            testDescription: "nobody answers",
            ofZone: .silence,
            ofResolver: .silence,
            readiness: "unverified",
            detail: "no name server answered"
        ),
        Case(
            testDescription: "all refuse",
            ofZone: .refused,
            ofResolver: .refused,
            readiness: "unverified",
            detail: "no name server answered"
        ),
        Case(
            testDescription: "answers that are none",
            ofZone: .malformed,
            ofResolver: .malformed,
            readiness: "unverified",
            detail: "no name server answered"
        ),
        Case(
            testDescription: "an address of somebody else",
            ofZone: .address("127.0.0.1"),
            ofResolver: .silence,
            readiness: "unverified",
            detail: "something before the app, such as a login, a firewall or a redirect, answered with 200"
        ),
        Case(
            testDescription: "an address where nobody listens",
            ofZone: .address("127.0.0.2"),
            ofResolver: .silence,
            readiness: "unverified",
            detail: "no connection to it could be made"
        ),
    ]

    @Test(arguments: cases)
    func theResponseReportsTheResultOfTheNameServers(of example: Case) async throws {
        try await withZone(example) { service in
            let clock = ContinuousClock()
            let began = clock.now
            let answer = try await service.call(.post, Self.previews, body: #"{"target_port": 3000}"#)
            let duration = clock.now - began
            #expect(answer.status == 200)
            #expect(answer["readiness"] == example.readiness, "\(answer.body)")
            #expect(answer.body.contains(#""ready":false"#))
            #expect(answer["detail"]?.contains(example.detail) == true, "\(answer.body)")
            #expect(duration < Self.longestStart, "\(duration)")
            let token = try #require(answer["session_id"])
            let check = try await service.call(.get, "\(Self.previews)/\(token)")
            #expect(check["readiness"] == example.readiness, "\(check.body)")
            let list = try await service.call(.get, Self.previews)
            #expect(list.body.contains(#""readiness":"\#(example.readiness)""#))
        }
    }

    /// Runs the service, name servers, and a web server on 127.0.0.1 that is not the preview's gateway.
    private func withZone(
        _ example: Case,
        _ body: @escaping @Sendable (ServiceUnderTest) async throws -> Void
    ) async throws {
        let page = RawPeer.Response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", then: .keepOpen)
        try await RawPeer.run({ _, _ in page }) { stranger in
            try await DNSPeer.run(
                zone: Self.zone,
                { _, isRecursive in isRecursive ? example.ofResolver : example.ofZone }
            ) { names in
                let server = ZoneResolver.Server(address: "127.0.0.1", port: names.port)
                let settings = [
                    "Sandbox__Preview__ZoneSuffix": Self.zone, "Sandbox__Preview__ReadyTimeoutSeconds": "10",
                    "Sandbox__Preview__UrlScheme": "http", "Sandbox__Preview__UrlPort": String(stranger.port),
                ]
                try await ServiceUnderTest.run(
                    settings: settings,
                    configure: { service in
                        service.zoneNames = { zone, uptime in
                            ZoneResolver(zone, resolvers: { [server] }, serverPort: server.port, uptime: uptime)
                        }
                    },
                    { service in
                        try service.addSandbox()
                        try await withBackground("the gateway") {
                            try await UnreachableAddressTests.acceptRoutes(service.store)
                        } body: {
                            try await body(service)
                        }
                    }
                )
            }
        }
    }
}
