import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

/// The API with a core API that decides who may act on a run.
@Suite("Access by the core API's decision", .timeLimit(.minutes(10)))
struct CoreAPIAccessTests {
    private static let bearer = "a-bearer-of-the-core-api"

    /// - Parameter reply: The core API's response.
    private func api(_ reply: ScriptedTransport.Reply) async throws -> (PreviewAPI, ScriptedTransport) {
        let harness = try await APIHarness()
        let transport = ScriptedTransport(clock: harness.clock) { _, _ in reply }
        let key = try #require(ServiceKey(APIHarness.key))
        let authenticator = Authenticator([
            ServiceKeyVerifier(user: "agentweaver-internal") { key }, UnverifiedBearers(),
        ])
        return (try harness.apiWithCoreAPI(authenticator, transport: transport), transport)
    }

    @Test(
        arguments: [
            (.json(200, "{}"), 200), (.json(401, "{}"), 401), (.json(403, "{}"), 403), (.json(404, "{}"), 404),
            (.json(503, "{}", ["Retry-After": "7"]), 503), (.failure(.timedOut), 503),
        ] as [(ScriptedTransport.Reply, Int)]
    )
    func theStatusOfTheCoreAPIIsReturnedAndNothingIsDoneWithoutAccess(reply: ScriptedTransport.Reply, status: Int)
        async throws
    {
        let (api, transport) = try await api(reply)
        let path = "/api/runs/\(APIHarness.run)/sandbox/port-forward"
        try await Application(responder: api.router().buildResponder()).test(.router) { client in
            let headers = HTTPFields.json(bearer: Self.bearer)
            let answer = try await client.call(.post, path, body: #"{"target_port": 3000}"#, headers: headers)
            #expect(answer.status == status)
            #expect((answer.headers[.wwwAuthenticate] == "Bearer") == (status == 401))
            #expect((answer.headers[.retryAfter] != nil) == (status == 503))
            let started = try await client.call(.get, path, headers: headers).json as? [Any]
            #expect(started?.count == (status == 200 ? 1 : nil))
        }
        #expect(transport.exchanges.allSatisfy { $0.line == "GET /api/runs/\(APIHarness.run)" })
        #expect(transport.exchanges.count == (status == 503 ? 2 : 1))
    }

    @Test func theCoreAPIDoesNotMakeTheServiceIdentityAnOwner() async throws {
        let (api, transport) = try await api(.json(200, "{}"))
        try await Application(responder: api.router().buildResponder()).test(.router) { client in
            let answer = try await client.call(
                .get,
                "/api/runs/\(APIHarness.run)/sandbox/port-forward",
                headers: [.authorization: "Bearer \(APIHarness.key)"]
            )
            #expect(answer.status == 403)
        }
        #expect(transport.exchanges.isEmpty)
    }
}
