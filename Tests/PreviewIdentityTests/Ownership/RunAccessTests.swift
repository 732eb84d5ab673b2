import Basics
import PreviewDomain
import PreviewIdentity
import Synchronization
import TestSupport
import Testing

/// Owners that a test sets, with a count of the requests for them.
private final class ScriptedOwners: RunOwners {
    private let state: Mutex<(owners: [RunID: String], isUnreachable: Bool, asked: Int)>

    init(_ owners: [RunID: String]) {
        state = Mutex((owners, false, 0))
    }

    var asked: Int { state.withLock { $0.asked } }
    func set(_ owner: String?, of run: RunID) { state.withLock { $0.owners[run] = owner } }
    func setUnreachable(_ isUnreachable: Bool) { state.withLock { $0.isUnreachable = isUnreachable } }

    func owner(of run: RunID) async throws(AccessDenied) -> String? {
        let answer: Result<String?, AccessDenied> = state.withLock { state in
            state.asked += 1
            return state.isUnreachable ? .failure(AccessDenied(.unavailable, "away")) : .success(state.owners[run])
        }
        return try answer.get()
    }
}

@Suite("What a caller may do with a run", .timeLimit(.minutes(10)))
struct RunAccessTests {
    private let clock = ManualClock()
    private let owners: ScriptedOwners
    private let access: RunAccess
    private let run = RunID.sample
    private let ada = Caller(identity: "user-1", role: .user, names: ["user-1", "ada"])

    init() {
        owners = ScriptedOwners([run: "ada"])
        access = RunAccess(ClaimAuthority(owners: owners, uptime: clock.uptime))
    }

    private func allowed(_ caller: Caller, on run: RunID? = nil) async throws -> Set<RunAction> {
        var allowed: Set<RunAction> = []
        for action in RunAction.allCases {
            do throws(AccessDenied) {
                try await access.authorize(caller, to: action, on: run ?? self.run)
                allowed.insert(action)
            } catch {
                #expect(error.kind == .forbidden)
            }
        }
        return allowed
    }

    @Test func theOwnerMayDoEverythingByEachName() async throws {
        for name in ["user-1", "ada"] {
            clock.advance(by: .seconds(10))
            owners.set(name, of: run)
            #expect(try await allowed(ada) == Set(RunAction.allCases))
        }
    }

    @Test(arguments: ["Ada", "ad", "adaa", " ada", "", "user-1,ada"])
    func otherUsersMayDoNothing(owner: String) async throws {
        owners.set(owner, of: run)
        #expect(try await allowed(ada).isEmpty)
    }

    @Test func aRunWithoutAnOwnerIsOpenToOperatorsOnly() async throws {
        owners.set(nil, of: run)
        #expect(try await allowed(ada).isEmpty)
        #expect(try await allowed(Caller(identity: "boss", role: .operator)) == Set(RunAction.allCases))
    }

    @Test func aForeignRunAndAnUnknownOneGetTheSameAnswer() async throws {
        owners.set("grace", of: run)
        let unknown = try RunID("unknown")
        let foreign = await #expect(throws: AccessDenied.self) { try await access.authorize(ada, to: .list, on: run) }
        let missing = await #expect(throws: AccessDenied.self) {
            try await access.authorize(ada, to: .list, on: unknown)
        }
        #expect(foreign != nil && foreign == missing)
    }

    @Test func theServiceIdentityAsksAndDecidesNothing() async throws {
        let service = Caller(identity: "agentweaver-internal", role: .service)
        #expect(try await allowed(service) == [.startAsAgent, .readApprovals])
        owners.set("agentweaver-internal", of: run)
        clock.advance(by: .seconds(10))
        #expect(try await allowed(service) == [.startAsAgent, .readApprovals])
    }

    @Test func anUnverifiedBearerOwnsNothingWithoutTheCoreAPI() async throws {
        let caller = Caller(identity: "ada", role: .unverified, names: [], bearer: Secret("a-token"))
        #expect(try await allowed(caller).isEmpty)
    }

    @Test func anOwnerIsReliedOnForTenSecondsAndNoOwnerForOne() async throws {
        for _ in 0..<5 { _ = try await allowed(ada) }
        #expect(owners.asked == 1)
        owners.set("grace", of: run)
        clock.advance(by: .milliseconds(9_999))
        #expect(try await !allowed(ada).isEmpty)
        clock.advance(by: .milliseconds(1))
        #expect(try await allowed(ada).isEmpty)

        owners.set(nil, of: run)
        clock.advance(by: .seconds(10))
        #expect(try await allowed(ada).isEmpty)
        owners.set("ada", of: run)
        clock.advance(by: .seconds(1))
        #expect(try await !allowed(ada).isEmpty)
    }

    @Test func anUnreachableClusterDeniesAccessOnlyTemporarily() async throws {
        owners.setUnreachable(true)
        await #expect(throws: AccessDenied(.unavailable, "away")) {
            try await access.authorize(ada, to: .keepAlive, on: run)
        }
        owners.setUnreachable(false)
        try await access.authorize(ada, to: .keepAlive, on: run)
    }
}
