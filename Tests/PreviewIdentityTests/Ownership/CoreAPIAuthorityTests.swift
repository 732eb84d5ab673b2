import Basics
import CoreAPI
import HTTPTransport
import HTTPTypes
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@Suite("Authorization by the core API", .timeLimit(.minutes(10)))
struct CoreAPIAuthorityTests {
    private let clock = ManualClock()
    private let run = RunID.sample
    private let otherRun = RunID.known("3f2a9c1e-0000-4000-8000-000000000002")
    private let ada = Caller(identity: "bearer-1", role: .unverified, names: [], bearer: Secret("adas-token"))
    private let grace = Caller(identity: "grace", role: .user, bearer: Secret("graces-token"))

    private func access(
        _ reply: @escaping @Sendable (TransportRequest, Int) -> ScriptedTransport.Reply
    ) throws -> (RunAccess, ScriptedTransport) {
        let transport = ScriptedTransport(clock: clock, reply)
        let client = CoreAPIClient(base: try BaseURL("https://api.example.com"), transport: transport)
        return (RunAccess(CoreAPIAuthority(client, uptime: clock.uptime)), transport)
    }

    private func outcome(_ access: RunAccess, _ caller: Caller, _ run: RunID? = nil) async -> AccessDenied.Kind? {
        do throws(AccessDenied) {
            try await access.authorize(caller, to: .stop, on: run ?? self.run)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test(
        arguments: [
            (.json(200, #"{"status": "running"}"#), nil), (.json(401, "{}"), .unauthenticated),
            (.json(403, "{}"), .forbidden), (.json(404, "{}"), .runNotFound), (.json(500, "{}"), .unavailable),
            (.json(400, "{}"), .unavailable), (.json(302, "{}"), .unavailable), (.json(200, "<html>"), .unavailable),
            (.failure(.connect), .unavailable),
        ] as [(ScriptedTransport.Reply, AccessDenied.Kind?)]
    )
    func theResponseOfTheCoreAPIDecides(reply: ScriptedTransport.Reply, kind: AccessDenied.Kind?) async throws {
        let (access, transport) = try access { _, _ in reply }
        #expect(await outcome(access, ada) == kind)
        #expect(transport.exchanges.map(\.line) == ["GET /api/runs/\(run.text)"])
        #expect(transport.exchanges[0].request.head.headerFields[.authorization] == "Bearer adas-token")
    }

    @Test func everyBearerAndEveryRunHasAnAnswerOfItsOwn() async throws {
        let (access, transport) = try access { [run] request, _ in
            let isAdas = request.head.headerFields[.authorization] == "Bearer adas-token"
            return .json(isAdas && request.head.path == "/api/runs/\(run.text)" ? 200 : 403, "{}")
        }
        for _ in 0..<3 {
            #expect(await outcome(access, ada) == nil)
            #expect(await outcome(access, ada, otherRun) == .forbidden)
            #expect(await outcome(access, grace) == .forbidden)
        }
        #expect(transport.exchanges.count == 3)
    }

    @Test func anAnswerIsReliedOnForTenSecondsAtMost() async throws {
        let (access, transport) = try access { _, index in .json(index == 0 ? 200 : 403, "{}") }
        #expect(await outcome(access, ada) == nil)
        clock.advance(by: .milliseconds(9_999))
        #expect(await outcome(access, ada) == nil)
        clock.advance(by: .milliseconds(1))
        #expect(await outcome(access, ada) == .forbidden)
        #expect(transport.exchanges.count == 2)
    }

    @Test func aMissingResponseIsNotCached() async throws {
        let (access, _) = try access { _, index in index == 0 ? .failure(.connect) : .json(200, "{}") }
        #expect(await outcome(access, ada) == .unavailable)
        #expect(await outcome(access, ada) == nil)
    }

    @Test func operatorsAndTheServiceIdentityNeedNoResponse() async throws {
        let (access, transport) = try access { _, _ in .json(403, "{}") }
        #expect(await outcome(access, Caller(identity: "boss", role: .operator)) == nil)
        #expect(await outcome(access, Caller(identity: "agent", role: .service)) == .forbidden)
        #expect(transport.exchanges.isEmpty)
    }

    @Test func anUnrecognisedBearerIsNamedWithoutBeingShown() async throws {
        let result = try await UnverifiedBearers().verify(Secret("adas-token"))
        guard case .accepted(let caller) = result else {
            Issue.record("it was not let through")
            return
        }
        #expect(caller.role == .unverified)
        #expect(caller.names.isEmpty)
        #expect(caller.identity.count == "bearer-".count + 8)
        #expect(caller.bearer == Secret("adas-token"))
    }
}
