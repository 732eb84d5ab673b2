import Basics
import FoundationEssentials
import HTTPTransport
import KubernetesClient
import Logging
import PreviewControl
import Synchronization
import TestSupport
import Testing

@testable import PreviewCluster

/// The keeper with a transport behind which several API servers answer, as through a load balancer.
@Suite("Keeping the API server's time", .timeLimit(.minutes(10)))
struct ClusterTimeKeeperTests {
    private static let epoch = 784_080_000.0 + 36_000

    /// How far each server's clock is ahead, and which server a request reaches.
    private final class Servers: Sendable {
        private struct State {
            var offsets: [Double]
            var shared = 0
            var own = 0
            var ownConnections = 0
        }

        private let state: Mutex<State>

        init(_ offsets: [Double]) { state = Mutex(State(offsets: offsets)) }

        /// Selects the server of the shared connection.
        func use(_ server: Int) { state.withLock { $0.shared = server } }

        /// Sets all clocks this far ahead of the truth.
        func set(_ offset: Double) { state.withLock { $0.offsets = $0.offsets.map { _ in offset } } }

        var ownConnections: Int { state.withLock { $0.ownConnections } }

        /// Each new connection reaches the next server.
        func offset(for request: TransportRequest) -> Double {
            state.withLock { state in
                guard request.usesOwnConnection else { return state.offsets[state.shared] }
                state.ownConnections += 1
                state.own = (state.own + 1) % state.offsets.count
                return state.offsets[state.own]
            }
        }
    }

    private struct Fixture {
        let clock = ManualClock()
        let servers: Servers
        let log = RecordedLog()
        let client: KubernetesClient
        let keeper: ClusterTimeKeeper

        init(_ offsets: [Double]) throws {
            let (clock, servers) = (clock, Servers(offsets))
            let transport = ScriptedTransport(clock: clock) { request, _ in
                let truth = ClusterTimeKeeperTests.epoch + clock.uptime() / .seconds(1)
                let date = HTTPDate.text(truth + servers.offset(for: request))
                return .json(200, #"{"major":"1","minor":"32"}"#, ["Date": date])
            }
            self.servers = servers
            guard let server = try? BaseURL("https://cluster.example:6443") else {
                throw KubernetesError(.configuration, "the test's URL")
            }
            client = KubernetesClient(
                configuration: ClusterConfiguration(server: server, credential: .token(Secret("t0ken"))),
                clock: clock
            ) { _ in transport }
            keeper = ClusterTimeKeeper(client: client, time: MonotonicTime(clock), logger: log.logger)
        }

        var truth: Date {
            Date(timeIntervalSince1970: ClusterTimeKeeperTests.epoch + clock.uptime() / .seconds(1))
        }

        /// Runs the keeper for this long on the test's clock, and calls `check` after each step.
        func run(for duration: Duration, _ check: @Sendable () -> Void = {}) async throws {
            let end = clock.now.advanced(by: duration)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await keeper.run() }
                while clock.now < end {
                    await clock.waitForSleepers(1)
                    clock.advance(by: .milliseconds(50))
                    for _ in 0..<20 { await Task.yield() }
                    check()
                }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    @Test func agreeingServersAreEstablishedAtOnceAndNotQueriedAgain() async throws {
        let fixture = try Fixture([0, 0, 0])
        try await fixture.run(for: .seconds(10))
        #expect(fixture.servers.ownConnections <= ServerTimeBounds.decidingVotes)
        #expect(!fixture.client.serverClock.needsVote)
        let before = fixture.servers.ownConnections
        try await fixture.run(for: .seconds(300))
        #expect(fixture.servers.ownConnections == before)
        #expect(fixture.log.lines.isEmpty)
    }

    @Test func aServer35MinutesAheadOfTwoOthersIsDetectedAndReported() async throws {
        let fixture = try Fixture([0, 0, 35 * 60])
        try await fixture.run(for: .seconds(20))
        fixture.servers.use(2)
        try await fixture.run(for: .seconds(900)) {
            guard let reading = fixture.client.serverClock.reading() else { return }
            #expect(reading.earliest <= fixture.truth)
        }
        let reading = try #require(fixture.client.serverClock.reading())
        #expect(reading.earliest <= fixture.truth && fixture.truth <= reading.latest)
        #expect(reading.width < .seconds(5))
        let contradiction = try #require(fixture.client.serverClock.contradiction)
        #expect(abs(contradiction / .seconds(1) - 35 * 60) < 3)
        #expect((5...16).contains(fixture.log.lines.count))
        #expect(fixture.log.lines.allSatisfy { $0.level == .warning && $0.metadata["seconds_ahead"] != nil })
    }

    @Test func aClockThatWasSetEverywhereIsFollowed() async throws {
        let fixture = try Fixture([0, 0, 0])
        try await fixture.run(for: .seconds(20))
        fixture.servers.set(35 * 60)
        try await fixture.run(for: .seconds(50))
        let before = try #require(fixture.client.serverClock.reading())
        #expect(before.earliest <= fixture.truth && fixture.truth <= before.latest)
        try await fixture.run(for: .seconds(120))
        let after = try #require(fixture.client.serverClock.reading())
        let shown = fixture.truth + 35 * 60
        #expect(after.earliest <= shown && shown <= after.latest)
    }
}
