import Basics
import CoreAPI
import Foundation
import HTTPTransport
import HTTPTypes
import PrometheusMetrics
import Synchronization
import TestSupport
import Testing

@testable import Router

@Suite("Forwarding of requests", .timeLimit(.minutes(10)))
struct CoreRouterTests {
    private let metrics = PrometheusRegistry()

    private func router(
        _ replies: [ScriptedTransport.Reply],
        limits: RouterLimits = RouterLimits()
    ) throws -> (CoreRouter, ScriptedTransport) {
        let transport = ScriptedTransport(clock: ManualClock(), replies)
        let base = try BaseURL("http://core.example.com")
        return (
            CoreRouter(to: base, transport: transport, limits: limits, metrics: metrics, logger: .silent), transport
        )
    }

    private func request(
        _ method: HTTPRequest.Method = .get,
        _ path: String = "/api/x",
        _ fields: HTTPFields = [:],
        body: RoutedRequest.Body = .none,
        abort: TransportAbort = TransportAbort()
    ) -> RoutedRequest {
        RoutedRequest(
            head: HTTPRequest(method: method, scheme: "http", authority: "h", path: path, headerFields: fields),
            body: body,
            client: "192.0.2.1",
            abort: abort
        )
    }

    private func forward(_ request: RoutedRequest, through router: CoreRouter) async throws -> (HTTPResponse, String) {
        let result = Mutex<(HTTPResponse, String)?>(nil)
        try await router.forward(request) { answer in
            let bytes =
                switch answer.body {
                case .bytes(let bytes): bytes
                case .stream(let response): try await response.body.collect(maxBytes: 1 << 20)
                }
            result.withLock { $0 = (answer.head, String(decoding: bytes, as: UTF8.self)) }
        }
        return try #require(result.withLock { $0 })
    }

    @Test(arguments: [TransportError.Kind.connect, .refused, .tls])
    func aRequestThatWasCertainlyNotSentIsTriedOnceMore(kind: TransportError.Kind) async throws {
        let (router, transport) = try router([.failure(kind), .json("{}"), .json("{}")])
        let (head, _) = try await forward(request(.post, body: .bytes([1])), through: router)
        #expect(head.status == 200)
        #expect(transport.exchanges.count == 2)
    }

    @Test(arguments: [TransportError.Kind.protocolViolation, .timedOut, .bodyTooLarge])
    func aRequestThatMayHaveArrivedIsNotRepeated(kind: TransportError.Kind) async throws {
        let (router, transport) = try router([.failure(kind), .json("{}")])
        let (head, body) = try await forward(request(), through: router)
        #expect(head.status == (kind == .timedOut ? 504 : 502))
        #expect(head.headerFields[.retryAfter] == "5")
        #expect(body.hasPrefix(#"{"error":"The core API"#))
        #expect(transport.exchanges.count == 1)
        #expect(metrics.text.contains(#"phase="head""#))
    }

    @Test(arguments: [TransportError.Kind.connect, .refused, .tls])
    func aCoreAPIThatCannotBeReachedIsABadGateway(kind: TransportError.Kind) async throws {
        let (router, transport) = try router([.failure(kind), .failure(kind), .json("{}")])
        let (head, _) = try await forward(request(), through: router)
        #expect(head.status == 502)
        #expect(head.headerFields[.retryAfter] == "5")
        #expect(transport.exchanges.count == 2)
        #expect(metrics.text.contains(#"phase="connect""#))
    }

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
        let (router, transport) = try router([])
        var headerFields: HTTPFields = [:]
        for (name, value) in fields { headerFields[try #require(HTTPField.Name(name))] = value }
        let (head, body) = try await forward(request(method, path, headerFields), through: router)
        #expect(head.status.code == status)
        #expect(body.hasPrefix(#"{"error":""#) && body.hasSuffix(#"."}"#))
        #expect(transport.exchanges.isEmpty)
    }

    @Test func anOfferOfHTTP2IsIgnored() async throws {
        let (router, _) = try router([.json("{}")])
        let fields: HTTPFields = [.connection: "Upgrade, HTTP2-Settings", .upgrade: "h2c"]
        #expect(try await forward(request(.get, "/x", fields), through: router).0.status == 200)
    }

    @Test func theIDOfARequestGoesOnAndBack() async throws {
        let (router, transport) = try router([.json("{}"), .json("{}"), .json(200, "{}", ["X-Request-ID": "cores"])])
        let own = try await forward(request(.get, "/x", [.xRequestID: "mine"]), through: router).0
        #expect(own.headerFields[.xRequestID] == "mine")
        #expect(transport.exchanges[0].request.head.headerFields[.xRequestID] == "mine")
        let made = try await forward(request(), through: router).0
        #expect(made.headerFields[.xRequestID]?.count == 32)
        #expect(transport.exchanges[1].request.head.headerFields[.xRequestID] == made.headerFields[.xRequestID])
        #expect(try await forward(request(), through: router).0.headerFields[.xRequestID] == "cores")
    }

    @Test func aRequestOverTheLimitIsToldToTryAgain() async throws {
        var limits = RouterLimits()
        limits.maxRequests = 0
        limits.maxStreams = 1
        let (router, transport) = try router([.json("{}")], limits: limits)
        let (head, _) = try await forward(request(), through: router)
        #expect(head.status == 503)
        #expect(head.headerFields[.retryAfter] == "1")
        #expect(try await forward(request(.get, "/api/runs/r/stream"), through: router).0.status == 200)
        #expect(transport.exchanges.count == 1)
    }

    @Test func placesAreReleased() async throws {
        var limits = RouterLimits()
        limits.maxRequests = 1
        limits.maxStreams = 1
        let events = ScriptedTransport.Reply.response(
            status: 200,
            fields: ["Content-Type": "text/event-stream"],
            body: []
        )
        let (router, _) = try router([events, .failure(.timedOut), .json("{}"), events], limits: limits)
        let statuses = [
            try await forward(request(), through: router).0.status.code,
            try await forward(request(), through: router).0.status.code,
            try await forward(request(), through: router).0.status.code,
            try await forward(request(.get, "/stream"), through: router).0.status.code,
        ]
        #expect(statuses == [200, 504, 200, 200])
        router.updateGauges()
        #expect(metrics.text.contains(#"preview_gateway_router_open_requests{kind="stream"} 0"#))
        #expect(metrics.text.contains(#"preview_gateway_router_open_requests{kind="request"} 0"#))
    }

    @Test func anAnswerThatBreaksOffIsNotCompleted() async throws {
        let broken = ScriptedTransport.Reply.response(
            status: 200,
            fields: [:],
            body: [.chunk("half"), .fail(.protocolViolation)]
        )
        let (router, _) = try router([broken])
        await #expect(throws: TransportError.self) { _ = try await forward(request(), through: router) }
        #expect(metrics.text.contains(#"phase="body""#))
        #expect(metrics.text.contains(#"preview_gateway_router_answers_total{by="core",status="2xx"} 1"#))
    }

    @Test func aClientThatIsGoneGetsNoAnswer() async throws {
        let abort = TransportAbort()
        abort.abort()
        let (router, _) = try router([.failure(.cancelled)])
        await #expect(throws: CancellationError.self) {
            _ = try await forward(request(abort: abort), through: router)
        }
        #expect(metrics.text.contains(#"cause="client_gone""#))
    }

    @Test(arguments: RouterMetric.allCases)
    func everyMetricIsDocumented(metric: RouterMetric) throws {
        #expect(try ProjectFiles.text("Docs/Metrics.md").contains("| `\(metric.rawValue)` |"))
    }
}
