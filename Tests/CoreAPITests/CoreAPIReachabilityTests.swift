import Basics
import CoreAPI
import HTTPTransport
import PreviewDomain
import Synchronization
import TestSupport
import Testing

@Suite("Whether the core API can be reached", .timeLimit(.minutes(1)))
struct CoreAPIReachabilityTests {
    @Test func severalFailuresInARowAreALossAndOneResponseEndsIt() {
        var reachability = CoreAPIReachability()
        let outcomes = [false, false, true, false, false, false, false, true, true]
        let changes = outcomes.enumerated().map { reachability.record(isReachable: $1, at: .seconds($0)) }
        #expect(changes == [nil, nil, nil, nil, nil, .lost, nil, .regained(after: .seconds(4), failures: 4), nil])
    }

    @Test(arguments: [
        (ScriptedTransport.Reply.json(200, "{}"), true), (.json(404, ""), true), (.json(500, ""), true),
        (.json(503, ""), false), (.failure(.refused), false),
    ])
    func theClientReportsEachRequest(reply: ScriptedTransport.Reply, isReachable: Bool) async throws {
        let told = Mutex<[Bool]>([])
        let client = CoreAPIClient(
            base: try BaseURL("http://core.example.com"),
            transport: ScriptedTransport(clock: ManualClock(), [reply]),
            observer: { outcome in told.withLock { $0.append(outcome) } }
        )
        _ = try? await client.run(try RunID("3f2a9c1e-0000-4000-8000-000000000001"), bearer: "bearer")
        #expect(told.withLock(\.self) == [isReachable])
    }
}
