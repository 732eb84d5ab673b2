import Basics
import CoreAPI
import HTTPTransport
import HTTPTypes
import Hummingbird
import PreviewDomain
import PreviewIdentity
import Router
import ServiceLifecycle
import TestPeers
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

@Suite("Forwarded requests of one connection", .timeLimit(.minutes(2)))
struct ForwardingHandlerTests {
    private static let streamPath = "/api/runs/\(APIHarness.run)/stream"
    private static let streamHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static func chunk(_ text: String) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    /// Runs a server that forwards all requests of the core API to a peer.
    ///
    /// - Parameter streams: The events that are inserted into the streams of runs.
    private func run(
        _ limits: ConnectionLimits = ConnectionLimits(),
        router routerLimits: RouterLimits = RouterLimits(),
        streams: RunStreamSource? = nil,
        beside services: [any Service] = [],
        _ core: @escaping RawPeer.Script,
        _ work: @escaping @Sendable (_ port: Int, _ core: RawPeer, _ services: ServiceGroup) async throws -> Void
    ) async throws {
        try await RawPeer.run(core) { peer in
            let router = try CoreRouter.forwarding(to: peer.port, routerLimits)
            try await LoopbackServer.run(beside: services) { onRunning in
                Application(
                    responder: CallbackResponder<PreviewRequestContext> { request, _ in
                        Response(status: .ok, body: .init(byteBuffer: .init(string: "ours \(request.uri.path)")))
                    },
                    server: .limited(limits, router: router, streams: streams),
                    configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                    onServerRunning: onRunning,
                    logger: .silent
                )
            } _: { port, group in
                try await work(port, peer, group)
            }
            await router.shutdown()
        }
    }

    private func streamSource(commentInterval: Duration = .seconds(20)) async throws -> RunStreamSource {
        let harness = try await APIHarness()
        return RunStreamSource(
            gate: harness.gate,
            broadcast: TimelineBroadcast(to: harness.timeline),
            commentInterval: commentInterval
        )
    }

    // MARK: Order and ends

    /// The targets of the core API and of this service take turns, and all requests arrive at once.
    @Test func responsesHaveTheOrderOfTheRequestsWhoeverAnswers() async throws {
        try await run { _, head in
            .json(200, "core \(head.split(separator: " ")[1])")
        } _: { port, core, _ in
            let targets = ["/api/1", "/healthz", "/api/2", "/api/3", "/metrics", "/healthz", "/api/4"]
            let client = try await RawClient.connect(to: port)
            try await client.send(targets.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            let answer = await client.receive { $0.contains("core /api/4") }
            let bodies = answer.split(separator: "\r\n\r\n").dropFirst()
                .map { String($0.prefix { $0 != "\r" && $0 != "H" }) }
            #expect(bodies == targets.map { ($0.hasPrefix("/api") ? "core " : "ours ") + $0 })
            #expect(core.heads.count == 4)
            try await client.close()
        }
    }

    @Test func bodiesThatArriveInAdvanceBelongToTheirRequests() async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { port, core, _ in
            let client = try await RawClient.connect(to: port)
            let posts = ["one", "three", ""].map {
                "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: \($0.utf8.count)\r\n\r\n\($0)"
            }
            try await client.send(posts.joined())
            _ = await client.receive { $0.ranges(of: "HTTP/1.1 200").count == posts.count }
            #expect(core.bodies == ["one", "three", ""])
            try await client.close()
        }
    }

    @Test func aConnectionOutlivesAResponseThatArrivesWithTheEndOfItsRequestsBody() async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { port, core, _ in
            let client = try await RawClient.connect(to: port)
            for count in 1...3 {
                try await client.send("POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
                let answers = await client.receive { $0.ranges(of: "\r\n\r\n{}").count == count }
                #expect(answers.ranges(of: "HTTP/1.1 200 OK\r\n").count == count)
            }
            #expect(core.openConnectionCount == 1)
            try await client.close()
        }
    }

    @Test func aRequestThatIsTheLastOneClosesTheConnectionAfterItsResponse() async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { port, _, _ in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let answer = await client.receiveAll()
            #expect(answer.hasSuffix("\r\n\r\n{}"))
            #expect(answer.lowercased().contains("\r\nconnection: close\r\n"))
        }
    }

    /// Returns when the server has closed a connection after its last response.
    private func waitUntilDiscarded(_ client: RawClient) async {
        await client.receiveAll()
        while (try? await client.send("x")) != nil {}
    }

    /// The peer takes the body for another request, and so does not wait for it.
    @Test func theEndOfABodyDoesNotExtendTheTimeAfterTheLastResponse() async throws {
        var limits = ConnectionLimits()
        limits.lingerTimeout = .milliseconds(200)
        limits.headTimeout = .seconds(600)
        limits.idleTimeout = .seconds(600)
        try await run(limits) { _, _ in
            .json(200, "{}")
        } _: { port, _, _ in
            let client = try await RawClient.connect(to: port)
            try await client.send("POST /api/x HTTP/1.1\r\nHost: a\r\ncontent-length: 4\r\n\r\n")
            await client.receiveAll()
            try await client.send("body")
            // Empty lines between requests are ignored.
            while (try? await client.send("\r\n")) != nil {}
        }
    }

    @Test func requestsBehindTheLastOneAreNotForwarded() async throws {
        var limits = ConnectionLimits()
        limits.lingerTimeout = .milliseconds(50)
        try await run(limits) { _, _ in
            .json(200, "{}")
        } _: { port, core, _ in
            let client = try await RawClient.connect(to: port)
            // An HTTP/1.0 client cannot keep its connection here.
            try await client.send(
                "GET /api/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                    + "POST /api/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
            )
            let answer = await client.receiveAll()
            #expect(answer.ranges(of: "HTTP/1.0 200").count == 1)
            await waitUntilDiscarded(client)
            #expect(core.heads.map { $0.prefix(10) } == ["GET /api/1"])
        }
    }

    @Test func aRefusedRequestWithoutABodyDoesNotEndTheConnection() async throws {
        var limits = RouterLimits()
        limits.maxRequests = 0
        try await run(router: limits) { _, _ in
            .json(200, "{}")
        } _: { port, _, _ in
            let client = try await RawClient.connect(to: port)
            for count in 1...3 {
                try await client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
                let answers = await client.receive { $0.ranges(of: #"."}"#).count == count }
                #expect(answers.ranges(of: "HTTP/1.1 503 ").count == count)
            }
            try await client.close()
        }
    }

    @Test(arguments: ["/api/x", "/healthz"])
    func aConnectionEndsAfterAnOfferOfAnotherProtocol(path: String) async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { port, _, _ in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
            let answer = await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("\r\nConnection: close\r\n"))
        }
    }

    @Test func anInterimResponseHasNoFieldsOfTheConnection() async throws {
        try await run { _, _ in
            .init(
                "HTTP/1.1 103 Early Hints\r\nConnection: x\r\nX: y\r\nLink: </a>\r\n\r\n"
                    + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                then: .keepOpen
            )
        } _: { port, _, _ in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = await client.receive { $0.hasSuffix("{}") }
            #expect(answer.hasPrefix("HTTP/1.1 103 \r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"))
            try await client.close()
        }
    }

    // MARK: Bodies

    /// The peer takes the first bytes of the body for a request, and so does not wait for the others.
    @Test func aPartOfABodyThatArrivesInAdvanceIsSent() async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { port, core, _ in
            let client = try await RawClient.connect(to: port)
            try await client.send(
                "GET /api/1 HTTP/1.1\r\nHost: a\r\n\r\n"
                    + "POST /api/2 HTTP/1.1\r\nHost: a\r\ncontent-length: 50\r\n\r\npart\r\n\r\n"
            )
            await waitWhile { !core.heads.contains("part") }
            try await client.close()
        }
    }

    @Test func anInvalidBodyEndsTheForwardedRequestAtOnce() async throws {
        var limits = ConnectionLimits()
        limits.lingerTimeout = .seconds(600)
        try await run(limits) { _, _ in
            .init("", then: .keepOpen)
        } _: { port, core, _ in
            let client = try await RawClient.connect(to: port)
            try await client.send("POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
            await waitWhile { core.heads.isEmpty }
            try await client.send("no size\r\n")
            await client.receive { $0.contains("HTTP/1.1 400 ") }
            await waitWhile { core.openConnectionCount > 0 }
            try await client.close()
        }
    }

    // MARK: Slow clients

    /// More than the kernel's buffers of a connection hold, but not more than those of both.
    private static let unreadBytes = 5 << 20

    private static let unread: RawPeer.Script = { _, head in
        guard head.hasPrefix("GET /api/long") else { return .json(200, "{}") }
        return .init(
            "HTTP/1.1 200 OK\r\nContent-Length: \(unreadBytes)\r\n\r\n" + String(repeating: "x", count: unreadBytes),
            then: .close
        )
    }

    /// The core API has closed its connection, so the whole response waits for the client.
    private func clientThatReadsLater(_ port: Int, _ core: RawPeer, _ fields: String = "") async throws -> RawClient {
        let client = try await RawClient.connect(to: port, reading: false)
        try await client.send("GET /api/long HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
        await waitWhile { core.connectionCount == 0 || core.openConnectionCount > 0 }
        return client
    }

    /// Returns when the server has closed another connection. The time after the last response has passed on earlier ones too.
    private func serveLastRequest(_ port: Int) async throws {
        let client = try await RawClient.connect(to: port)
        try await client.send("GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await waitUntilDiscarded(client)
    }

    @Test func aSlowReaderGetsTheLastResponseOfAConnectionCompletely() async throws {
        var limits = ConnectionLimits()
        limits.lingerTimeout = .milliseconds(50)
        try await run(limits) {
            Self.unread($0, $1)
        } _: { port, core, _ in
            let client = try await clientThatReadsLater(port, core, "Connection: close\r\n")
            try await serveLastRequest(port)
            try await client.startReading()
            let answer = await client.receiveAll()
            #expect(answer.utf8.count > Self.unreadBytes)
        }
    }

    @Test func aSlowReaderGetsTheLastResponseBeforeAShutdownCompletely() async throws {
        var limits = ConnectionLimits()
        limits.lingerTimeout = .milliseconds(50)
        try await run(limits) {
            Self.unread($0, $1)
        } _: { port, core, services in
            let client = try await clientThatReadsLater(port, core)
            try await serveLastRequest(port)
            let idle = try await RawClient.connect(to: port)
            try await idle.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            await idle.receive { $0.hasSuffix("{}") }
            await services.triggerGracefulShutdown()
            await idle.receiveAll()
            try await client.startReading()
            let answer = await client.receiveAll()
            #expect(answer.utf8.count > Self.unreadBytes)
        }
    }

    @Test(arguments: ["/api/x", "/api/runs/r-1/stream"])
    func aClientThatReadsNothingFreesItsPlace(path: String) async throws {
        var limits = ConnectionLimits()
        limits.unreadTimeout = .seconds(1)
        let body = String(repeating: "x", count: 64 << 20)
        let type = path.hasSuffix("/stream") ? "text/event-stream" : "text/plain"
        let head = "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nConnection: close\r\n\r\n"
        try await run(limits, streams: try await streamSource()) { _, _ in
            .init(head + body, then: .keepOpen)
        } _: { port, core, _ in
            let client = try await RawClient.connect(to: port, reading: false)
            try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            await waitWhile { core.openConnectionCount == 0 }
            await waitWhile { core.openConnectionCount > 0 }
            try? await client.close()
        }
    }

    @Test func aShutdownEndsEventStreamsAndLetsOtherResponsesEnd() async throws {
        try await run { _, head in
            head.contains("/stream")
                ? .init(Self.streamHead + Self.chunk("id: 1\ndata: a\n\n"), then: .keepOpen)
                : .init("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha", then: .keepOpen)
        } _: { port, core, services in
            let (stream, other) = (try await RawClient.connect(to: port), try await RawClient.connect(to: port))
            try await stream.send("GET \(Self.streamPath) HTTP/1.1\r\nHost: a\r\n\r\n")
            try await other.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            await stream.receive { $0.contains("data: a") }
            await other.receive { $0.contains("ha") }
            await services.triggerGracefulShutdown()
            let whole = await stream.receiveAll()
            #expect(whole.hasSuffix("0\r\n\r\n"))
            await waitWhile { core.openConnectionCount != 1 }
            try await other.close()
        }
    }

    @Test func aShutdownEndsARequestForAStreamWithoutAResponse() async throws {
        try await run { _, _ in
            .init("", then: .keepOpen)
        } _: { port, core, services in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET \(Self.streamPath) HTTP/1.1\r\nHost: a\r\n\r\n")
            await waitWhile { core.heads.isEmpty }
            await services.triggerGracefulShutdown()
            let answer = await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 503 "))
            #expect(answer.contains("\r\nRetry-After: 1\r\n"))
            await waitWhile { core.openConnectionCount > 0 }
        }
    }

    // MARK: Streams of runs

    @Test(arguments: [("/api/runs/r-1/stream", "identity"), ("/api/runs/r-1", "gzip, br")])
    func aStreamIntoWhichEventsAreInsertedIsRequestedUncompressed(path: String, expected: String) async throws {
        try await run(streams: try await streamSource()) { _, _ in
            .json(200, "{}")
        } _: { port, core, _ in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\n\r\n")
            _ = await client.receive { $0.contains("\r\n\r\n") }
            try await client.close()
            #expect(core.heads.first?.contains("\r\nAccept-Encoding: \(expected)\r\n") == true)
        }
    }

    /// The platform's core API sends no head before the first event that its reader does not have.
    @Test func aReaderThatReturnsToTheStreamOfAWaitingRunIsConnectedAtOnce() async throws {
        let events = "id: 7\ndata: known\n\nid: 8\ndata: new\n\nevent: done\ndata: {}\n\n"
        try await run(streams: try await streamSource()) { _, head in
            guard head.contains("Last-Event-ID: 6") else { return .init("", then: .keepOpen) }
            return .init(Self.streamHead + Self.chunk(events) + "0\r\n\r\n", then: .keepOpen)
        } _: { port, _, _ in
            let client = try await RawClient.connect(to: port)
            try await client.send(
                "GET \(Self.streamPath) HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 7\r\nConnection: close\r\n\r\n"
            )
            let answer = await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("id: 8\ndata: new\n\n"))
            #expect(!answer.contains("known"))
        }
    }

    /// One event of a run, and then nothing.
    private static let silentRun: RawPeer.Script = { _, _ in
        .init(streamHead + chunk("id: 1\ndata: a\n\n"), then: .keepOpen)
    }

    @Test func aReaderGetsThePendingRequestsOfTheRunsChildrenThatTheCoreAPIShowsToIt() async throws {
        let harness = try await APIHarness()
        let core = ScriptedTransport(clock: harness.clock) { request, _ in
            let isAdas = request.head.headerFields[.authorization] == "Bearer adas-token"
            return .json(isAdas ? 200 : 403, #"{"parent_run_id": "\#(APIHarness.run)"}"#)
        }
        let client = CoreAPIClient(base: try BaseURL("https://api.example.com"), transport: core)
        let time = MonotonicTime(harness.clock)
        let finder = ChildRequestFinder(
            gate: harness.gate,
            authority: CoreAPIAuthority(client, uptime: time.uptime),
            time: time
        )
        let streams = RunStreamSource(
            gate: harness.gate,
            broadcast: TimelineBroadcast(to: harness.timeline),
            children: finder,
            commentInterval: .milliseconds(20)
        )
        let child = try RunID(APIHarness.otherRun)
        let services: [any Service] = [harness.core.mirrorRunner, finder]
        try await run(streams: streams, beside: services, Self.silentRun) { port, _, _ in
            let first = try await harness.gate.pendingRequest(for: child, port: 3000)
            let (ada, grace) = (try await RawClient.connect(to: port), try await RawClient.connect(to: port))
            for (reader, token) in [(ada, "adas-token"), (grace, "graces-token")] {
                try await reader.send(
                    "GET \(Self.streamPath) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n\r\n"
                )
            }
            _ = await ada.receive { $0.contains(first.id.text) }
            let second = try await harness.gate.pendingRequest(for: child, port: 3001)
            let adas = await ada.receive { $0.contains(second.id.text) }
            #expect(adas.ranges(of: "event: coordinator.child_approval_required\n").count == 2)
            #expect(adas.ranges(of: #""childRunId":"\#(APIHarness.otherRun)""#).count == 2)
            await core.waitForExchanges(2)
            let graces = await grace.receive { $0.ranges(of: ": waiting\n\n").count >= 2 }
            #expect(!graces.contains("coordinator"))
            try await ada.close()
            try await grace.close()
        }
        #expect(core.exchanges.map(\.line) == Array(repeating: "GET /api/runs/\(APIHarness.otherRun)", count: 2))
    }

    @Test func aReaderOfASilentStreamGetsComments() async throws {
        let streams = try await streamSource(commentInterval: .milliseconds(20))
        try await run(streams: streams, Self.silentRun) { port, _, _ in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET \(Self.streamPath) HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = await client.receive { $0.ranges(of: ": waiting\n\n").count >= 2 }
            #expect(answer.contains("id: 1\ndata: a\n\n"))
            #expect(answer.ranges(of: ": waiting\n\n").count >= 2)
            try await client.close()
        }
    }
}
