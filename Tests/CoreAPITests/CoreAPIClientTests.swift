import Basics
import CoreAPI
import HTTPTransport
import HTTPTypes
import PreviewDomain
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct CoreAPIClientTests {
    static let bearer = "a-bearer-that-nobody-may-read"
    private let clock = ManualClock()
    private let run = RunID.sample

    private func client(_ transport: ScriptedTransport) throws -> CoreAPIClient {
        CoreAPIClient(base: try BaseURL("https://core.example.com:8443/base/"), transport: transport)
    }

    private func client(_ replies: ScriptedTransport.Reply...) throws -> CoreAPIClient {
        try client(ScriptedTransport(clock: clock, replies))
    }

    private func error(
        _ reply: ScriptedTransport.Reply,
        _ call: (CoreAPIClient) async throws(CoreAPIError) -> Void
    ) async throws -> CoreAPIError? {
        let client = try client(reply)
        do throws(CoreAPIError) {
            try await call(client)
            return nil
        } catch {
            return error
        }
    }

    @Test func noRequestTakesLongerThanItsCallerWaits() async throws {
        let transport = ScriptedTransport(clock: clock) { _, _ in .json("{}") }
        let base = try BaseURL("https://core.example.com")
        for left in [Duration.seconds(2), .seconds(60)] {
            let client = CoreAPIClient(base: base, transport: transport) { left }
            _ = try await client.run(run, bearer: Self.bearer)
        }
        #expect(transport.exchanges.map(\.request.timeout) == [.seconds(2), CoreAPIClient.readTimeout])
    }

    // MARK: Reading a run

    @Test func aRunIsReadUnderTheCallersOwnBearer() async throws {
        let transport = ScriptedTransport(
            clock: clock,
            [
                .json(
                    """
                    {"id": "x", "status": "running", "parent_run_id": "3F2A9C1E000040008000000000000002",
                     "auto_approve_tools": true, "owner": "ada", "more": [1]}
                    """
                )
            ]
        )
        let answer = try await client(transport).run(run, bearer: Self.bearer)
        #expect(answer.status == "running")
        #expect(answer.parentRunID?.text == "3f2a9c1e-0000-4000-8000-000000000002")
        #expect(answer.autoApprovesTools)
        #expect(answer.owner == "ada")

        let request = try #require(transport.exchanges.first?.request)
        #expect(request.head.method == .get)
        #expect(request.head.scheme == "https")
        #expect(request.head.authority == "core.example.com:8443")
        #expect(request.head.path == "/base/api/runs/\(run.text)")
        #expect(request.head.headerFields[.authorization] == "Bearer \(Self.bearer)")
        #expect(request.timeout == CoreAPIClient.readTimeout)
    }

    @Test(arguments: [
        (#"{"submitting_user": "ada"}"#, "ada"), (#"{"submitting_user": "ada", "owner": "a-team"}"#, "ada"),
        (#"{"submitting_user": null, "owner": "ada"}"#, "ada"), (#"{"submitting_user": ""}"#, nil),
    ])
    func theOwnerIsWhoSubmittedTheRun(body: String, owner: String?) async throws {
        #expect(try await client(.json(body)).run(run, bearer: Self.bearer).owner == owner)
    }

    @Test(arguments: [
        "{}", #"{"status": null, "parent_run_id": null, "auto_approve_tools": null, "owner": null}"#,
        #"{"status": 7, "parent_run_id": 7, "auto_approve_tools": 1, "owner": {"name": "ada"}}"#,
        #"{"status": "", "parent_run_id": "../etc", "auto_approve_tools": "true", "owner": ""}"#,
    ])
    func missingAndMalformedMembersOfARunGrantNothing(body: String) async throws {
        let answer = try await client(.json(body)).run(run, bearer: Self.bearer)
        #expect(answer == CoreRun(status: nil, parentRunID: nil, autoApprovesTools: false, owner: nil))
    }

    @Test(arguments: [
        (401, CoreAPIError.Kind.unauthorized), (403, .forbidden), (404, .notFound), (400, .rejected),
        (410, .rejected), (429, .unavailable), (500, .unavailable), (503, .unavailable), (302, .unintelligible),
        (204, .unintelligible),
    ])
    func everyErrorStatusHasItsKind(status: Int, kind: CoreAPIError.Kind) async throws {
        let error = try await error(.json(status, #"{"error": "\#(Self.bearer)"}"#)) { client throws(CoreAPIError) in
            _ = try await client.run(run, bearer: Self.bearer)
        }
        #expect(error?.kind == kind)
        #expect(error.map { "\($0)".contains(Self.bearer) } == false)
    }

    @Test(arguments: ["", "[]", "null", #""text""#, "<html>", #"{"status": "running""#])
    func aBodyThatIsNoObjectIsUnintelligible(body: String) async throws {
        let error = try await error(.json(body)) { client throws(CoreAPIError) in
            _ = try await client.run(run, bearer: Self.bearer)
        }
        #expect(error?.kind == .unintelligible)
    }

    @Test(arguments: [
        ("7", Duration.seconds(7)), ("0", .zero), ("99999999999", HTTPFields.maxRetryAfter), ("-1", nil),
        ("soon", nil), ("Wed, 21 Oct 2026 07:28:00 GMT", nil),
    ])
    func retryAfterIsForwardedWithinBounds(text: String, expected: Duration?) async throws {
        let error = try await error(.json(503, "", ["Retry-After": text])) { client throws(CoreAPIError) in
            _ = try await client.run(run, bearer: Self.bearer)
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.retryAfter == expected)
    }

    @Test(arguments: TransportError.Kind.allCases)
    func withoutAResponseTheCoreAPIIsUnavailable(kind: TransportError.Kind) async throws {
        let error = try await error(.failure(kind)) { client throws(CoreAPIError) in
            _ = try await client.run(run, bearer: Self.bearer)
        }
        let expected: CoreAPIError.Kind =
            switch kind {
            case .bodyTooLarge: .unintelligible
            case .cancelled: .cancelled
            default: .unavailable
            }
        #expect(error?.kind == expected)
        #expect(error.map { "\($0)".contains("core.example.com") } == false)
    }

    @Test func silenceEndsAtTheTimeLimit() async throws {
        async let outcome = error(.silence) { client throws(CoreAPIError) in
            _ = try await client.run(run, bearer: Self.bearer)
        }
        await clock.waitForSleepers(1)
        clock.advance(by: CoreAPIClient.readTimeout)
        #expect(try await outcome?.kind == .unavailable)
    }

    @Test func anEndlessBodyIsNotReadToItsEnd() async throws {
        let chunk = String(repeating: " ", count: CoreAPIClient.maxRunBytes)
        let reply = ScriptedTransport.Reply.response(
            status: 200,
            fields: [:],
            body: [.chunk(chunk), .chunk(" "), .hang]
        )
        let error = try await error(reply) { client throws(CoreAPIError) in
            _ = try await client.run(run, bearer: Self.bearer)
        }
        #expect(error?.kind == .unintelligible)
    }

    @Test(arguments: ["", "a b", "a\r\nX-Injected: 1", "a\u{0}", "ä", String(repeating: "a", count: 8 * 1024 + 1)])
    func anInvalidBearerIsNeverSent(bearer: String) async throws {
        let transport = ScriptedTransport(clock: clock, [])
        let client = try client(transport)
        let error = await #expect(throws: CoreAPIError.self) { try await client.run(run, bearer: bearer) }
        #expect(error?.kind == .unauthorized)
        #expect(transport.exchanges.isEmpty)
    }

    // MARK: Events

    @Test func bodiesThatAreTooLongAreNotSent() async throws {
        let transport = ScriptedTransport(clock: clock, [])
        let client = try client(transport)
        let event = [UInt8](repeating: 0x20, count: CoreAPIClient.maxEventBytes + 1)
        let refusal = await #expect(throws: CoreAPIError.self) {
            try await client.post(event: event, of: run, bearer: Self.bearer)
        }
        #expect(refusal?.kind == .rejected)
        #expect(transport.exchanges.isEmpty)
    }

    @Test func anEventIsPostedToItsRun() async throws {
        let transport = ScriptedTransport(clock: clock, [.json(202, "")])
        try await client(transport).post(event: Array(#"{"id":"e"}"#.utf8), of: run, bearer: Self.bearer)
        let exchange = try #require(transport.exchanges.first)
        #expect(exchange.line == "POST /base/api/runs/\(run.text)/events")
        #expect(exchange.body == #"{"id":"e"}"#)
    }

    @Test(arguments: [(400, CoreAPIError.Kind.rejected), (404, .notFound), (401, .unauthorized), (503, .unavailable)])
    func anEventThatIsNotAcceptedIsAnError(status: Int, kind: CoreAPIError.Kind) async throws {
        let error = try await error(.json(status, "")) { client throws(CoreAPIError) in
            try await client.post(event: [], of: run, bearer: Self.bearer)
        }
        #expect(error?.kind == kind)
    }

    @Test func theClientDescribesItselfWithoutSecrets() throws {
        #expect("\(try client())" == "CoreAPIClient(https://core.example.com:8443/base)")
    }
}
