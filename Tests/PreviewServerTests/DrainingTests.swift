import Hummingbird
import NIOCore
import PreviewControl
import PreviewDomain
import ServiceLifecycle
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

@Suite("A replica that drains", .timeLimit(.minutes(1)))
struct DrainingTests {
    private let clock = ManualClock()
    private let draining: Draining

    init() {
        draining = Draining(for: .seconds(5), time: MonotonicTime(clock))
    }

    /// Runs the whole API, with the services that inform waiting calls of decisions.
    private func withReplica(
        _ body: @Sendable (_ port: Int, _ services: ServiceGroup, _ harness: APIHarness) async throws -> Void
    ) async throws {
        let harness = try await APIHarness(draining: draining)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await harness.core.mirrorRunner.run() }
            group.addTask { try await harness.core.approvalExpiry.run() }
            defer { group.cancelAll() }
            try await LoopbackServer.run(beside: [draining]) { onRunning in
                harness.api.application(
                    address: .hostname("127.0.0.1", port: 0),
                    logger: .silent,
                    onRunning: onRunning
                )
            } _: { port, services in
                defer { draining.endEarly() }
                try await body(port, services, harness)
            }
        }
    }

    private func answer(_ request: String, on port: Int) async throws -> String {
        let client = try await RawClient.connect(to: port)
        try await client.send(request)
        return await client.receiveAll()
    }

    /// Begins the drain, and returns once its timer has started.
    private func begin(_ services: ServiceGroup) async {
        await services.triggerGracefulShutdown()
        await clock.waitForSleepers(1)
    }

    @Test func aDrainingServiceIsUnreadyAndServesNewConnections() async throws {
        try await withReplica { port, services, _ in
            await begin(services)
            for _ in 0..<3 {
                let readiness = try await answer("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", on: port)
                #expect(readiness.hasPrefix("HTTP/1.1 503 "))
                let list = try await answer(
                    "GET /api/runs/\(APIHarness.run)/sandbox/port-forward HTTP/1.1\r\nHost: a\r\n"
                        + "Authorization: Bearer \(APIHarness.owner)\r\n\r\n",
                    on: port
                )
                // The client did not request the end of the connection.
                #expect(list.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(list.contains("\r\nConnection: close\r\n"))
            }
        }
    }

    @Test func aKeptConnectionIsAnsweredOnceMoreAndThenEnds() async throws {
        try await withReplica { port, services, _ in
            let client = try await RawClient.connect(to: port)
            let request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
            try await client.send(request)
            let first = await client.receive { $0.hasSuffix("}") }
            #expect(!first.contains("Connection: close"))
            await begin(services)
            try await client.send(request)
            let both = await client.receiveAll()
            #expect(both.ranges(of: "HTTP/1.1 200 OK\r\n").count == 2)
            #expect(both.contains("\r\nConnection: close\r\n"))
        }
    }

    @Test func afterTheDrainTimeIdleConnectionsEndAndNewOnesAreRefused() async throws {
        try await withReplica { port, services, _ in
            let idle = try await RawClient.connect(to: port)
            try await idle.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            await idle.receive { $0.hasSuffix("}") }
            await begin(services)
            clock.advance(by: .seconds(5))
            await idle.receiveAll()
            // The listener closes at the same time, in another task.
            await waitWhile { (try? await RawClient.connect(to: port)) != nil }
        }
    }

    @Test func aWaitingCallIsToldToTryAgainAtTheEndOnly() async throws {
        try await withReplica { port, services, harness in
            let start = """
                POST /api/runs/\(APIHarness.run)/sandbox/preview HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\
                Authorization: Bearer \(APIHarness.key)\r\nContent-Type: application/json\r\n\r\n{"target_port": 3000}
                """
            async let told = answer(start, on: port)
            try await waitWhile { harness.cluster.approvals(of: try RunID(APIHarness.run)).isEmpty }
            await begin(services)
            // The call still waits: a decision would reach it.
            #expect(harness.api.waitingCalls.count == 1)
            clock.advance(by: .seconds(5))
            let answer = try await told
            #expect(answer.hasPrefix("HTTP/1.1 503 "))
            #expect(answer.contains("Retry-After: 0\r\n"))
            #expect(harness.cluster.approvals(of: try RunID(APIHarness.run)).first?.state == .pending)
        }
    }

    @Test func drainingCanBeEndedEarly() async throws {
        try await withReplica { port, services, _ in
            await begin(services)
            draining.endEarly()
            await waitWhile { (try? await RawClient.connect(to: port)) != nil }
        }
    }
}
