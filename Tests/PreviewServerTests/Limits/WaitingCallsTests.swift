import HTTPTypes
import Hummingbird
import NIOCore
import PreviewDomain
import ServiceLifecycle
import TestPeers
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

@Suite("Calls that wait", .timeLimit(.minutes(1)))
struct WaitingCallsTests {
    private static let limits: RequestLimits = {
        var limits = RequestLimits()
        limits.maxWaitingPerRun = 2
        limits.maxWaiting = 3
        return limits
    }()
    private let calls = WaitingCalls(limits: Self.limits)

    @Test func oneRunCannotTakeAllPlaces() throws {
        let run = try RunID("a")
        let slots = try (0..<2).map { _ in try calls.slot(for: run) }
        let refused = #expect(throws: APIError.self) { try calls.slot(for: run) }
        #expect(refused?.status == .tooManyRequests)
        #expect(refused?.headers[.retryAfter] == "5")
        _ = try calls.slot(for: try RunID("b"))
        withExtendedLifetime(slots) {}
    }

    @Test func aFullReplicaSendsCallersToAnother() throws {
        let slots = try ["a", "a", "b"].map { try calls.slot(for: try RunID($0)) }
        let refused = #expect(throws: APIError.self) { try calls.slot(for: try RunID("c")) }
        #expect(refused?.status == .serviceUnavailable)
        withExtendedLifetime(slots) {}
    }

    @Test func anAbandonedPlaceIsFree() throws {
        for _ in 0..<10 { _ = try calls.slot(for: try RunID("a")) }
    }

    // MARK: With a server

    /// A server whose only route waits until the wait is ended.
    private func run(
        draining: Draining = Draining(),
        _ body:
            @Sendable (
                _ port: Int, _ services: ServiceGroup, _ began: AsyncStream<Void>, _ ended: AsyncStream<Bool>
            ) async throws -> Void
    ) async throws {
        let calls = calls
        let began = AsyncStream.makeStream(of: Void.self)
        let ended = AsyncStream.makeStream(of: Bool.self)
        let forever = ManualClock()
        let router = Router(context: PreviewRequestContext.self)
        router.addMiddleware {
            ErrorMiddleware()
        }
        router.get("wait") { _, context in
            try await calls.wait(for: try RunID("a"), atMost: .seconds(300), context: context) {
                began.continuation.yield()
                defer { ended.continuation.yield(Task.isCancelled) }
                try await forever.sleep(until: forever.now.advanced(by: .seconds(1)), tolerance: nil)
                return Response(status: .ok)
            }
        }
        let responder = TimeLimitedResponder(base: router.buildResponder(), limit: .seconds(30))
        try await LoopbackServer.run(beside: [draining]) { onRunning in
            Application(
                responder: responder,
                server: .limited(ConnectionLimits()),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: onRunning,
                logger: .silent
            )
        } _: { port, services in
            try await body(port, services, began.stream, ended.stream)
        }
    }

    private static let request = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func whenTheReplicaStopsEveryWaitingCallerIsToldToAskAnother() async throws {
        let draining = Draining()
        try await run(draining: draining) { port, services, began, ended in
            let clients = [try await RawClient.connect(to: port), try await RawClient.connect(to: port)]
            var starts = began.makeAsyncIterator()
            for client in clients {
                try await client.send(Self.request)
                _ = await starts.next()
            }
            await services.triggerGracefulShutdown()
            for client in clients {
                let answer = await client.receiveAll()
                #expect(answer.hasPrefix("HTTP/1.1 503 "))
                #expect(answer.contains("Retry-After: 0\r\n"))
                #expect(answer.contains("Connection: close\r\n"))
            }
            #expect(draining.hasBegun)
            // The listener closes at the same time, in another task.
            await waitWhile { (try? await RawClient.connect(to: port)) != nil }
        }
    }

    @Test func aCallerThatGoesAwayFreesItsPlace() async throws {
        try await run { port, services, began, ended in
            var starts = began.makeAsyncIterator()
            var ends = ended.makeAsyncIterator()
            for _ in 0..<4 {
                let client = try await RawClient.connect(to: port)
                try await client.send(Self.request)
                _ = await starts.next()
                try await client.close()
                #expect(await ends.next() == true)
            }
        }
    }

    @Test func aThirdCallForTheRunIsRefusedWhileTwoWait() async throws {
        try await run { port, services, began, ended in
            var starts = began.makeAsyncIterator()
            var clients: [RawClient] = []
            for _ in 0..<2 {
                let client = try await RawClient.connect(to: port)
                try await client.send(Self.request)
                _ = await starts.next()
                clients.append(client)
            }
            let third = try await RawClient.connect(to: port)
            try await third.send(Self.request)
            let answer = await third.receive { $0.contains("\"}") }
            #expect(answer.hasPrefix("HTTP/1.1 429 "))
            #expect(answer.contains("Retry-After: 5\r\n"))
        }
    }
}
