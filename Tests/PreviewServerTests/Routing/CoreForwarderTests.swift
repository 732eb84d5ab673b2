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
struct CoreForwarderTests {
    /// Responds as soon as the declared body has arrived, while its upload still waits, and then cancels the upload.
    private struct EarlyResponseTransport: HTTPTransport {
        func withResponse<Result: Sendable>(
            to request: TransportRequest,
            _ handle: @Sendable (TransportResponse) async throws -> Result
        ) async throws -> Result {
            let response = TransportResponse(
                head: HTTPResponse(status: .ok, headerFields: [.contentLength: "0"]),
                body: TransportBody { nil }
            )
            guard let upload = request.upload, let length = upload.length else { return try await handle(response) }
            let arrival = AsyncStream.makeStream(of: Void.self)
            let room = AsyncStream.makeStream(of: Void.self)
            let received = SharedCount()
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let writer = TransportUploadWriter { chunk in
                        guard received.add(chunk.count) == length else { return }
                        arrival.continuation.finish()
                        // Ends when the task is cancelled.
                        for await _ in room.stream {}
                    }
                    try? await upload.write(writer)
                }
                defer { group.cancelAll() }
                for await _ in arrival.stream {}
                return try await handle(response)
            }
        }
    }

    /// Sends a body that does not end, until its reader is gone.
    private struct EndlessResponseTransport: HTTPTransport {
        let ended: AsyncStream<Void>.Continuation
        var fields: HTTPFields = [:]

        func withResponse<Result: Sendable>(
            to request: TransportRequest,
            _ handle: @Sendable (TransportResponse) async throws -> Result
        ) async throws -> Result {
            defer { ended.finish() }
            let chunk = [UInt8](repeating: 120, count: 1 << 16)
            let head = HTTPResponse(status: .ok, headerFields: fields)
            return try await handle(TransportResponse(head: head, body: TransportBody { chunk }))
        }
    }

    /// Sends the events 7 and 8 of a run, and no head before the first event that its reader does not have, as the
    /// platform's core API.
    private struct WaitingRunTransport: HTTPTransport {
        func withResponse<Result: Sendable>(
            to request: TransportRequest,
            _ handle: @Sendable (TransportResponse) async throws -> Result
        ) async throws -> Result {
            guard request.head.headerFields[.lastEventID] == "6" else {
                throw TransportError(.timedOut, "the run waits")
            }
            let parts = ["id: 7\ndata: known\n\n", "id: 8\ndata: new\n\nevent: done\ndata: {}\n\n"]
            let sent = SharedCount()
            let body = TransportBody {
                let count = sent.add()
                return count <= parts.count ? Array(parts[count - 1].utf8) : nil
            }
            let head = HTTPResponse(status: .ok, headerFields: [.contentType: "text/event-stream"])
            return try await handle(TransportResponse(head: head, body: body))
        }
    }

    /// Sends one event of a run and then nothing, until its reader is gone.
    private struct SilentRunTransport: HTTPTransport {
        func withResponse<Result: Sendable>(
            to request: TransportRequest,
            _ handle: @Sendable (TransportResponse) async throws -> Result
        ) async throws -> Result {
            let (chunks, source) = AsyncStream.makeStream(of: [UInt8].self)
            source.yield(Array("id: 1\ndata: a\n\n".utf8))
            let body = TransportBody(
                nextChunk: {
                    for await chunk in chunks { return chunk }
                    return nil
                },
                stopReceiving: { source.finish() },
                interruptReader: { source.yield([]) }
            )
            request.abort?.whenAborted { source.finish() }
            let head = HTTPResponse(status: .ok, headerFields: [.contentType: "text/event-stream"])
            return try await handle(TransportResponse(head: head, body: body))
        }
    }

    /// Runs a server that forwards all requests of the core API to `transport`.
    ///
    /// - Parameter streams: The events that are inserted into the streams of runs.
    private func run(
        _ transport: any HTTPTransport,
        _ limits: ConnectionLimits = ConnectionLimits(),
        streams: RunStreamSource? = nil,
        beside services: [any Service] = [],
        _ work: @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let router = try CoreRouter.forwarding(to: transport)
        try await LoopbackServer.run(beside: services) { onRunning in
            Application(
                responder: CallbackResponder<PreviewRequestContext> { _, _ in Response(status: .notFound) },
                server: .limited(limits, router: router, streams: streams),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: onRunning,
                logger: .silent
            )
        } _: { port, _ in
            try await work(port)
        }
    }

    @Test(arguments: ["/api/x", "/api/runs/r-1/stream"])
    func aClientThatReadsNothingFreesItsPlace(path: String) async throws {
        var limits = ConnectionLimits()
        limits.unreadTimeout = .seconds(1)
        let ended = AsyncStream.makeStream(of: Void.self)
        let isStream = path.hasSuffix("/stream")
        let transport = EndlessResponseTransport(
            ended: ended.continuation,
            fields: isStream ? [.contentType: "text/event-stream"] : [:]
        )
        let streams = try await streamSource()
        try await run(transport, limits, streams: streams) { port in
            let client = try await RawClient.connect(to: port, reading: false)
            try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            for await _ in ended.stream {}
            try? await client.close()
        }
    }

    @Test(arguments: [("/api/runs/r-1/stream", "identity"), ("/api/runs/r-1", "gzip, br")])
    func aStreamIntoWhichEventsAreInsertedIsRequestedUncompressed(path: String, expected: String) async throws {
        let core = ScriptedTransport(clock: ManualClock(), [.json("{}")])
        let streams = try await streamSource()
        try await run(core, streams: streams) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\n\r\n")
            _ = await client.receive { $0.contains("\r\n\r\n") }
            try await client.close()
        }
        #expect(core.exchanges.map { $0.request.head.headerFields[.acceptEncoding] } == [expected])
    }

    private func streamSource() async throws -> RunStreamSource {
        let gate = try await APIHarness().gate
        return RunStreamSource(gate: gate, broadcast: TimelineBroadcast(to: RecordingTimeline()))
    }

    @Test func aConnectionOutlivesAResponseThatOvertookTheEndOfItsRequestsBody() async throws {
        try await run(EarlyResponseTransport()) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
            let first = await client.receive { $0.contains("\r\n\r\n") }
            #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n"))
            try await client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
            let both = await client.receive { $0.ranges(of: "\r\n\r\n").count == 2 }
            #expect(both.ranges(of: "HTTP/1.1 200 OK\r\n").count == 2)
            try await client.close()
        }
    }

    @Test func aReaderThatReturnsToTheStreamOfAWaitingRunIsConnectedAtOnce() async throws {
        let harness = try await APIHarness()
        let streams = RunStreamSource(gate: harness.gate, broadcast: TimelineBroadcast(to: harness.timeline))
        try await run(WaitingRunTransport(), streams: streams) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send(
                """
                GET /api/runs/\(APIHarness.run)/stream HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 7\r\n\
                Connection: close\r\n\r\n
                """
            )
            let answer = await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("id: 8\ndata: new\n\n"))
            #expect(!answer.contains("known"))
        }
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
        try await run(SilentRunTransport(), streams: streams, beside: services) { port in
            let first = try await harness.gate.pendingRequest(for: child, port: 3000)
            let (ada, grace) = (try await RawClient.connect(to: port), try await RawClient.connect(to: port))
            for (reader, token) in [(ada, "adas-token"), (grace, "graces-token")] {
                try await reader.send(
                    "GET /api/runs/\(APIHarness.run)/stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n\r\n"
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
        let harness = try await APIHarness()
        let streams = RunStreamSource(
            gate: harness.gate,
            broadcast: TimelineBroadcast(to: harness.timeline),
            commentInterval: .milliseconds(20)
        )
        try await run(SilentRunTransport(), streams: streams) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET /api/runs/\(APIHarness.run)/stream HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = await client.receive { $0.ranges(of: ": waiting\n\n").count >= 2 }
            #expect(answer.contains("id: 1\ndata: a\n\n"))
            #expect(answer.ranges(of: ": waiting\n\n").count >= 2)
            try await client.close()
        }
    }
}
