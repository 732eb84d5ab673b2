import Basics
import CoreAPI
import HTTPTransport
import HTTPTypes
import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewIdentity

/// Tests what the gate learns about runs, and with whose bearer token it asks for them.
@Suite("Runs as the core API describes them", .timeLimit(.minutes(1)))
struct CoreRunsTests {
    private let clock = ManualClock()
    private let run = RunID.sample
    private let parent = RunID.known("3f2a9c1e-0000-4000-8000-000000000002")
    private let ada = Caller(identity: "bearer-1", role: .unverified, names: [], bearer: Secret("adas-token"))
    private static let key = "a-service-key-for-tests"

    /// Answers like the core API, which shows a run to its owner, but not to the service key.
    private static func ownersOnly(_ request: TransportRequest) -> ScriptedTransport.Reply {
        request.head.headerFields[.authorization] == "Bearer adas-token"
            ? .json(
                200,
                #"{"status": "in_progress", "auto_approve_tools": true, "parent_run_id": "3f2a9c1e-0000-4000-8000-000000000002"}"#
            ) : .json(403, "{}")
    }

    private final class Key: Sendable {
        let text = Mutex(CoreRunsTests.key)
    }

    private func parts(
        key: Key? = Key(),
        _ reply: @escaping @Sendable (TransportRequest) -> ScriptedTransport.Reply
    ) throws -> (access: RunAccess, runs: CoreRuns, transport: ScriptedTransport) {
        let transport = ScriptedTransport(clock: clock) { request, _ in reply(request) }
        let client = CoreAPIClient(base: try BaseURL("https://api.example.com"), transport: transport)
        let authority = CoreAPIAuthority(client, uptime: clock.uptime)
        let unused = try #require(ServiceKey(Self.key))
        let serviceKey = key.map { key in
            { @Sendable in ServiceKey(key.text.withLock(\.self)) ?? unused }
        }
        return (
            RunAccess(authority),
            CoreRuns(authority: authority, client: client, key: serviceKey, uptime: clock.uptime),
            transport
        )
    }

    private func bearers(_ transport: ScriptedTransport) -> [String] {
        transport.exchanges.map { String($0.request.head.headerFields[.authorization]?.dropFirst(7) ?? "") }
    }

    @Test func theGateReusesTheRunThatAuthorisationRead() async throws {
        let (access, runs, transport) = try parts(key: nil, Self.ownersOnly)
        try await access.authorize(ada, to: .list, on: run)
        let known = await runs.run(run)
        #expect(known?.autoApprovesTools == true)
        #expect(known?.parentRunID == parent)
        #expect(transport.exchanges.count == 1)
        clock.advance(by: CoreAPIAuthority.lifetime)
        #expect(await runs.run(run) == nil)
        #expect(transport.exchanges.count == 1)
    }

    @Test func aRefusalToOneCallerTakesNothingFromWhatAnotherWasShown() async throws {
        let (access, runs, _) = try parts(key: nil, Self.ownersOnly)
        try await access.authorize(ada, to: .list, on: run)
        let grace = Caller(identity: "grace", role: .user, bearer: Secret("graces-token"))
        await #expect(throws: AccessDenied.self) { try await access.authorize(grace, to: .list, on: run) }
        #expect(await runs.run(run)?.autoApprovesTools == true)
    }

    @Test func theServiceKeyIsNotTriedAgainWhereItWasRefused() async throws {
        let key = Key()
        let (_, runs, transport) = try parts(key: key, Self.ownersOnly)
        for _ in 0..<3 { #expect(await runs.run(run) == nil) }
        #expect(bearers(transport) == [Self.key])
        // Another run may be visible to the service key.
        #expect(await runs.run(parent) == nil)
        #expect(bearers(transport) == [Self.key, Self.key])
        // The run may be visible to another key, and after a while to the same key.
        key.text.withLock { $0 = "another-service-key" }
        #expect(await runs.run(run) == nil)
        #expect(bearers(transport).last == "another-service-key")
        clock.advance(by: CoreRuns.refusalLifetime)
        #expect(await runs.run(run) == nil)
        #expect(transport.exchanges.count == 4)
    }

    @Test func aKeyThatTheCoreAPIDoesNotKnowIsTriedForNoRun() async throws {
        let (_, runs, transport) = try parts { _ in .json(401, "{}") }
        #expect(await runs.run(run) == nil)
        #expect(await runs.run(parent) == nil)
        #expect(transport.exchanges.count == 1)
    }

    @Test func aWorkingServiceKeyIsUsedEachTime() async throws {
        let (_, runs, transport) = try parts { _ in .json(200, #"{"auto_approve_tools": true}"#) }
        for _ in 0..<2 { #expect(await runs.run(run)?.autoApprovesTools == true) }
        #expect(transport.exchanges.count == 2)
    }

    @Test func theParentIsAskedForByTheCallersOwnBearer() async throws {
        let (access, runs, transport) = try parts(Self.ownersOnly)
        try await Caller.$current.withValue(ada) {
            try await access.authorize(ada, to: .startAsAgent, on: run)
            #expect(await runs.run(run)?.parentRunID == parent)
            #expect(await runs.run(parent)?.autoApprovesTools == true)
        }
        #expect(bearers(transport) == ["adas-token", "adas-token"])
    }

    @Test(arguments: [Caller.Role.service, .operator])
    func otherCallersBearersAreNotSentToTheCoreAPI(role: Caller.Role) async throws {
        let (_, runs, transport) = try parts(key: nil, Self.ownersOnly)
        let caller = Caller(identity: "someone", role: role, bearer: Secret("not-for-the-core"))
        await Caller.$current.withValue(caller) { #expect(await runs.run(run) == nil) }
        #expect(transport.exchanges.isEmpty)
    }

    @Test func responsesFromBeforeAChangeAreDiscarded() async throws {
        let (access, runs, transport) = try parts(key: nil, Self.ownersOnly)
        try await access.authorize(ada, to: .decide, on: run)
        runs.forget(run)
        #expect(await runs.run(run) == nil)
        await Caller.$current.withValue(ada) { #expect(await runs.run(run)?.autoApprovesTools == true) }
        #expect(transport.exchanges.count == 2)
    }

    @Test func whileTheCoreAPIIsAwayNothingIsKnownAndItIsAskedOnce() async throws {
        let (_, runs, transport) = try parts { _ in .failure(.connect) }
        await Caller.$current.withValue(ada) { #expect(await runs.run(run) == nil) }
        #expect(bearers(transport) == ["adas-token"])
    }

    @Test(
        "The states in which a run is over",
        arguments: [
            ("pending", false), ("in_progress", false), ("running", false), ("awaiting_review", true),
            ("merged", true), ("failed", true), ("assemble_ready", true), ("Completed", true),
        ]
    )
    func aRunIsOverInItsFinalStates(status: String, hasEnded: Bool) {
        #expect(CoreRun(status: status, parentRunID: nil, autoApprovesTools: false, owner: nil).hasEnded == hasEnded)
        #expect(!CoreRun(status: nil, parentRunID: nil, autoApprovesTools: false, owner: nil).hasEnded)
    }
}
