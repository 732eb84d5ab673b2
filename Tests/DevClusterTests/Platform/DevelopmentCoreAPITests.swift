import CurlHTTP
import HTTPTransport
import HTTPTypes
import Testing

@testable import DevCluster

@Suite("The core API's stand-in", .timeLimit(.minutes(1)))
struct DevelopmentCoreAPITests {
    private static let key = "a-service-key"
    private static let run = "3f2a9c1e-0000-4000-8000-000000000001"

    /// Creates a client that sends the given bearer token.
    private typealias ClientMaker = @Sendable (String) -> ServiceClient

    /// Runs the stand-in while `body` runs.
    ///
    /// - Parameter body: Receives a function that creates clients, and a token of the runs' owner.
    private static func serve(
        _ body: @escaping @Sendable (_ client: @escaping ClientMaker, _ owner: String) async throws -> Void
    ) async throws {
        let issuer = TokenIssuer()
        let transport = try CurlTransport()
        let coreAPI = DevelopmentCoreAPI(issuer: issuer, owner: "ada", serviceKey: key)
        try await coreAPI.serve { port in
            let client: ClientMaker = { bearer in
                ServiceClient(authority: "127.0.0.1:\(port)", bearer: { bearer }, transport: transport)
            }
            try await body(client, issuer.token(for: "ada"))
            await transport.shutdown()
        }
    }

    @Test func aRunIsShownToItsOwnerAlone() async throws {
        try await Self.serve { client, owner in
            let status = try await client(owner).status(run: Self.run)
            #expect(status == "in_progress")
            for (bearer, expected) in [(Self.key, 403), (TokenIssuer().token(for: "ada"), 404), ("", 401)] {
                let answer = try await client(bearer).send(.get, ServiceClient.run(Self.run), body: nil)
                #expect(answer.status == expected)
            }
        }
    }

    @Test func theDevelopmentCoreAPIAcceptsNoEventsAndKnowsNoPreviewRequest() async throws {
        try await Self.serve { client, owner in
            let run = ServiceClient.run(Self.run)
            let posted = try await client(owner).send(.post, "\(run)/events", body: [:])
            #expect(posted.status == 405)
            let approval = try await client(owner).send(.post, "\(run)/tool-approvals", body: [:])
            #expect(approval.status == 404)
            let option = try await client(owner).send(.post, "\(run)/auto-approve", body: ["enabled": true])
            #expect(option.body["auto_approve_tools"] == true)
        }
    }

    @Test func aRunsStreamBeginsWithTheCoreAPIsEvent() async throws {
        try await Self.serve { client, owner in
            let (events, source) = AsyncStream<RunEvent>.makeStream()
            let reading = Task { try await client(owner).follow(run: Self.run) { source.yield($0) } }
            let first = await events.first { _ in true }
            reading.cancel()
            _ = await reading.result
            #expect(first?.id == "1")
            #expect(first?.name == "run.started")
            #expect(first?.data["sequence"] == 1)
        }
    }
}

@Suite("The reader of a run's stream", .timeLimit(.minutes(1)))
struct RunEventReaderTests {
    private static let bytes = Array(
        ": comment\n\nid: 7\nevent: a\ndata: {\"x\":1}\n\nevent:b\ndata: \"ü\"\n\nevent: c\n".utf8
    )

    @Test(arguments: [1, 2, 5, 1_000])
    func eventsAreReadHoweverTheBytesAreCut(size: Int) {
        var reader = RunEventReader()
        var events: [RunEvent] = []
        for start in stride(from: 0, to: Self.bytes.count, by: size) {
            events += reader.read(Array(Self.bytes[start..<min(start + size, Self.bytes.count)]))
        }
        #expect(
            events == [
                RunEvent(id: "7", name: "a", data: ["x": 1]), RunEvent(id: nil, name: "b", data: .string("ü")),
            ]
        )
    }
}
