import Basics
import HTTPTransport
import HTTPTypes
import NIOCore
import NIOPosix
import PrometheusMetrics
import TestPeers
import TestSupport
import Testing

@testable import Router

/// The router in front of a core API that answers with chosen bytes.
@Suite("Forwarding of requests", .timeLimit(.minutes(2)))
struct CoreRouterTests {
    /// A router and its metrics.
    private struct Subject: Sendable {
        let router: CoreRouter
        let metrics = PrometheusRegistry()

        init(to port: Int, _ limits: RouterLimits = RouterLimits()) throws {
            router = try CoreRouter(
                to: try BaseURL("http://127.0.0.1:\(port)"),
                limits: limits,
                // Each event loop has connections of its own.
                eventLoops: MultiThreadedEventLoopGroup.singleton.next(),
                metrics: metrics,
                logger: .silent
            )
        }

        func forward(
            _ method: HTTPRequest.Method = .get,
            _ path: String = "/api/x",
            _ fields: HTTPFields = [:],
            body: String = ""
        ) async throws -> (head: HTTPResponse, body: String) {
            var request = HTTPRequest(method: method, scheme: "http", authority: "h", path: path, headerFields: fields)
            if !body.isEmpty { request.headerFields[.contentLength] = "\(body.utf8.count)" }
            let response = try await router.response(
                to: request,
                body: ByteBuffer(string: body),
                client: "192.0.2.1",
                maxBytes: 1 << 20
            )
            return (response.head, String(buffer: response.body))
        }
    }

    /// Runs `body` with a router in front of a peer with this script.
    private func run(
        _ limits: RouterLimits = RouterLimits(),
        _ script: @escaping RawPeer.Script,
        _ body: @escaping @Sendable (Subject, RawPeer) async throws -> Void
    ) async throws {
        try await RawPeer.run(script) { core in
            let subject = try Subject(to: core.port, limits)
            try await body(subject, core)
            await subject.router.shutdown()
        }
    }

    private final class IgnoringReceiver: ForwardedResponseReceiver {
        let acceptsResponse = true
        func receive(interim head: HTTPResponse) {}
        func receive(_ head: HTTPResponse, isEventStream: Bool) {}
        func receive(_ bytes: ByteBuffer) {}
        func flush() {}
        func receiveEnd(_ trailers: HTTPFields?) {}
        func receiveFailure() {}
        func requestMayContinue() {}
    }

    private static let closes = RawPeer.Response("", then: .close)

    // MARK: Connections

    @Test func oneConnectionServesOneRequestAfterTheOther() async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { subject, core in
            for _ in 0..<20 {
                let status = try await subject.forward(.post, body: "{}").head.status
                #expect(status == 200)
            }
            #expect(core.openConnectionCount == 1)
        }
    }

    @Test(arguments: ["Connection: close\r\nContent-Length: 2\r\n\r\n{}", "Connection: close\r\n\r\n{}"])
    func aConnectionThatTheCoreAPIEndsIsNotUsedAgain(rest: String) async throws {
        try await run { _, _ in
            .init("HTTP/1.1 200 OK\r\n\(rest)", then: .close)
        } _: { subject, core in
            for _ in 0..<5 {
                let body = try await subject.forward(.post).body
                #expect(body == "{}")
            }
            #expect(core.heads.count == 5)
            await waitWhile { core.openConnectionCount > 0 }
        }
    }

    /// The core API closes connections that are idle, which may cross with a request.
    @Test(arguments: [
        (HTTPRequest.Method.get, true), (.options, true), (.delete, true), (.post, false), (.patch, false),
    ])
    func aRequestOnAConnectionThatWasClosedIsRepeatedIfThatIsSafe(
        method: HTTPRequest.Method,
        isRepeated: Bool
    ) async throws {
        try await run { index, _ in
            index % 2 == 0 ? .json(200, "{}") : Self.closes
        } _: { subject, core in
            _ = try await subject.forward(method)
            let (head, _) = try await subject.forward(method)
            #expect(head.status == (isRepeated ? 200 : 502))
            #expect(core.heads.count == (isRepeated ? 3 : 2))
        }
    }

    @Test func aRequestWithAnInterimResponseIsNotRepeated() async throws {
        try await run { index, _ in
            index == 1 ? .init("HTTP/1.1 103 Early Hints\r\n\r\n", then: .close) : .json(200, "{}")
        } _: { subject, core in
            _ = try await subject.forward()
            let status = try await subject.forward().head.status
            #expect(status == 502)
            #expect(core.heads.count == 2)
        }
    }

    @Test func aRequestOnANewConnectionIsNotRepeated() async throws {
        try await run { _, _ in
            Self.closes
        } _: { subject, core in
            let (head, body) = try await subject.forward()
            #expect(head.status == 502)
            #expect(head.headerFields[.retryAfter] == "5")
            #expect(body.hasPrefix(#"{"error":"The core API"#))
            #expect(core.heads.count == 1)
            #expect(subject.metrics.text.contains(#"phase="head""#))
        }
    }

    @Test func aCoreAPIThatCannotBeReachedIsABadGateway() async throws {
        let port = try await RawPeer.run({ _, _ in Self.closes }) { $0.port }
        let subject = try Subject(to: port)
        for (method, body) in [(HTTPRequest.Method.get, ""), (.post, "{}")] {
            let (head, _) = try await subject.forward(method, body: body)
            #expect(head.status == 502)
            #expect(head.headerFields[.retryAfter] == "5")
        }
        #expect(subject.metrics.text.contains(#"phase="connect""#))
    }

    @Test func aCoreAPIThatDoesNotAnswerIsAGatewayTimeout() async throws {
        var limits = RouterLimits()
        limits.headTimeout = .milliseconds(200)
        try await run(limits) { _, _ in
            .init("HTTP/1.1 200 OK\r\n", then: .keepOpen)
        } _: { subject, core in
            let (head, body) = try await subject.forward()
            #expect(head.status == 504)
            #expect(body.hasPrefix(#"{"error":"The core API did not answer"#))
            #expect(core.heads.count == 1)
            await waitWhile { core.openConnectionCount > 0 }
        }
    }

    @Test func aConnectionThatIsIdleForTooLongIsClosed() async throws {
        var limits = RouterLimits()
        limits.maxIdle = .milliseconds(100)
        try await run(limits) { _, _ in
            .json(200, "{}")
        } _: { subject, core in
            _ = try await subject.forward()
            await waitWhile { core.openConnectionCount > 0 }
            let status = try await subject.forward().head.status
            #expect(status == 200)
        }
    }

    @Test func bytesWithoutARequestEndTheConnection() async throws {
        try await run { _, _ in
            .init("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\n", then: .keepOpen)
        } _: { subject, core in
            for _ in 0..<3 {
                let body = try await subject.forward().body
                #expect(body == "{}")
            }
            await waitWhile { core.openConnectionCount > 0 }
        }
    }

    /// The connection cannot be made before the request is cancelled: both begin in one step of the event loop.
    @Test func aConnectionThatNoRequestNeedsAnyMoreIsClosed() async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { subject, core in
            let router = subject.router
            let eventLoop = router.eventLoops.any()
            try await eventLoop.submit {
                let exchange = ForwardedExchange(
                    HTTPRequest(method: .get, scheme: "http", authority: "h", path: "/api/x"),
                    client: nil,
                    through: router,
                    router.pool(on: eventLoop),
                    receiver: IgnoringReceiver()
                )
                exchange.start()
                exchange.sendEnd(nil)
                exchange.cancel()
            }
            .get()
            await waitWhile { core.connectionCount == 0 || core.openConnectionCount > 0 }
            #expect(core.heads.isEmpty)
        }
    }

    // MARK: Requests and responses

    @Test(arguments: [
        (HTTPRequest.Method.get, "/x", ["Connection": "upgrade", "Upgrade": "websocket"], 501),
        (.connect, "h:80", [:], 501), (.get, "/a#b", [:], 400), (.get, "x", [:], 400),
        (.get, "/x", ["Via": "1.1 other, 1.1 preview-gateway"], 508),
    ])
    func aRequestThatCannotBeForwardedIsRefusedWithAMessage(
        method: HTTPRequest.Method,
        path: String,
        fields: [String: String],
        status: Int
    ) async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { subject, core in
            var headerFields: HTTPFields = [:]
            for (name, value) in fields { headerFields[try #require(HTTPField.Name(name))] = value }
            let (head, body) = try await subject.forward(method, path, headerFields)
            #expect(head.status.code == status)
            #expect(body.hasPrefix(#"{"error":""#) && body.hasSuffix(#"."}"#))
            #expect(core.heads.isEmpty)
        }
    }

    @Test func anOfferOfHTTP2IsIgnored() async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { subject, core in
            let fields: HTTPFields = [.connection: "Upgrade, HTTP2-Settings", .upgrade: "h2c"]
            let status = try await subject.forward(.get, "/x", fields).head.status
            #expect(status == 200)
            #expect(core.heads.first?.lowercased().contains("upgrade") == false)
        }
    }

    @Test func anAnswerInAnotherProtocolIsNotValid() async throws {
        try await run { _, _ in
            .init("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", then: .keepOpen)
        } _: { subject, _ in
            let status = try await subject.forward().head.status
            #expect(status == 502)
        }
    }

    /// The coding of a body other than chunks would be lost.
    @Test(arguments: [
        "099 Status\r\nContent-Length: 2\r\n\r\n{}", "000 Status\r\nContent-Length: 2\r\n\r\n{}",
        "200 OK\r\nX: folded\r\n line\r\nContent-Length: 2\r\n\r\n{}",
        "200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\n{}",
        "200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}", "200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    ])
    func anAmbiguousAnswerIsNotValid(answer: String) async throws {
        try await run { _, _ in
            .init("HTTP/1.1 \(answer)", then: .close)
        } _: { subject, _ in
            let status = try await subject.forward().head.status
            #expect(status == 502)
        }
    }

    @Test func theIDOfARequestGoesOnAndBack() async throws {
        try await run { index, _ in
            .json(200, "{}", index == 2 ? ["X-Request-ID": "cores"] : [:])
        } _: { subject, core in
            let own = try await subject.forward(.get, "/x", [.xRequestID: "mine"]).head
            #expect(own.headerFields[.xRequestID] == "mine")
            let new = try await subject.forward().head.headerFields[.xRequestID]
            #expect(new?.count == 32)
            let cores = try await subject.forward(.get, "/x", [.xRequestID: "mine"]).head
            #expect(cores.headerFields[.xRequestID] == "cores")
            #expect(core.heads.map { $0.contains("\r\nX-Request-ID: mine\r\n") } == [true, false, true])
            #expect(core.heads[1].contains("\r\nX-Request-ID: \(new ?? "")"))
        }
    }

    @Test(arguments: ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "of the client's own kind", nil])
    func theTraceOfARequestIsNeitherChangedNorAdded(parent: String?) async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { subject, core in
            var fields = HTTPFields()
            fields[try #require(HTTPField.Name("traceparent"))] = parent
            _ = try await subject.forward(.get, "/x", fields)
            let lines = core.heads[0].split(separator: "\r\n").filter { $0.hasPrefix("traceparent") }
            #expect(lines.map { String($0) } == (parent.map { ["traceparent: \($0)"] } ?? []))
        }
    }

    /// The framing of a request is the client's: a length stays a length, and no body stays none.
    @Test func aRequestHasTheBodyAndTheFramingOfTheClient() async throws {
        try await run { _, _ in
            .json(200, "{}")
        } _: { subject, core in
            _ = try await subject.forward(.post, body: "hello")
            _ = try await subject.forward(.post)
            _ = try await subject.forward(.post, "/x", [.contentLength: "0"])
            #expect(core.bodies == ["hello", "", ""])
            let framings = core.heads.map { head in
                head.split(separator: "\r\n").filter {
                    $0.lowercased().hasPrefix("content-length") || $0.lowercased().hasPrefix("transfer-encoding")
                }
            }
            #expect(framings == [["Content-Length: 5"], [], ["Content-Length: 0"]])
        }
    }

    /// A response without a length ends with the connection, but not with a reset one.
    @Test(arguments: [
        RawPeer.Response("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", then: .close),
        RawPeer.Response("HTTP/1.1 200 OK\r\n\r\nhalf", then: .reset),
    ])
    func anAnswerThatBreaksOffIsNotCompleted(answer: RawPeer.Response) async throws {
        try await run { _, _ in
            answer
        } _: { subject, _ in
            await #expect(throws: IncompleteResponse.self) { _ = try await subject.forward() }
            #expect(subject.metrics.text.contains(#"phase="body""#))
            #expect(
                subject.metrics.text.contains(#"preview_gateway_router_answers_total{by="core",status="2xx"} 1"#)
            )
        }
    }

    @Test func aCallerThatIsCancelledEndsTheRequest() async throws {
        try await run { _, _ in
            .init("", then: .keepOpen)
        } _: { subject, core in
            let call = Task { try await subject.forward() }
            await waitWhile { core.heads.isEmpty }
            call.cancel()
            await #expect(throws: CancellationError.self) { _ = try await call.value }
            await waitWhile { core.openConnectionCount > 0 }
            #expect(subject.metrics.text.contains(#"cause="client_gone""#))
        }
    }

    // MARK: Limits

    @Test func requestsAndStreamsHavePlacesOfTheirOwn() async throws {
        var limits = RouterLimits()
        limits.maxRequests = 0
        limits.maxStreams = 1
        try await run(limits) { _, _ in
            .json(200, "{}")
        } _: { subject, core in
            let (head, _) = try await subject.forward()
            #expect(head.status == 503)
            #expect(head.headerFields[.retryAfter] == "1")
            let status = try await subject.forward(.get, "/api/runs/r/stream").head.status
            #expect(status == 200)
            #expect(core.heads.count == 1)
        }
    }

    @Test func placesAreReleased() async throws {
        var limits = RouterLimits()
        limits.maxRequests = 1
        limits.maxStreams = 1
        let events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n"
        let answers: [RawPeer.Response] = [
            .init(events, then: .keepOpen), Self.closes, .json(200, "{}"), .init(events, then: .keepOpen),
        ]
        try await run(limits) { index, _ in
            answers[index]
        } _: { subject, _ in
            let statuses = [
                try await subject.forward(.post).head.status.code, try await subject.forward(.post).head.status.code,
                try await subject.forward(.post).head.status.code,
                try await subject.forward(.get, "/stream").head.status.code,
            ]
            #expect(statuses == [200, 502, 200, 200])
            subject.router.updateGauges()
            let text = subject.metrics.text
            #expect(text.contains(#"preview_gateway_router_open_requests{kind="stream"} 0"#))
            #expect(text.contains(#"preview_gateway_router_open_requests{kind="request"} 0"#))
        }
    }

    @Test(arguments: RouterMetric.allCases)
    func everyMetricIsDocumented(metric: RouterMetric) throws {
        #expect(try ProjectFiles.text("Docs/Metrics.md").contains("| `\(metric.rawValue)` |"))
    }
}
