import Basics
import ChannelTLS
import DevelopmentCertificates
import HTTPTypes
import Hummingbird
import NIOCore
import PrometheusMetrics
import TestPeers
import TestSupport
import Testing

@testable import Router

@Suite("A core API with TLS", .timeLimit(.minutes(2)))
struct CoreRouterTLSTests {
    private static let downloadBytes = 1 << 20

    private static let responder: HTTPSPeer.Responder = { request, _ in
        let body = try await request.body.collect(upTo: 1 << 20)
        let text = body.readableBytes > 0 ? body : ByteBuffer(repeating: 120, count: downloadBytes)
        return Response(status: .ok, body: ResponseBody(byteBuffer: text))
    }

    private func forward(
        _ method: HTTPRequest.Method,
        body: String,
        through router: CoreRouter
    ) async throws -> (head: HTTPResponse, body: ByteBuffer) {
        var request = HTTPRequest(method: method, scheme: "http", authority: "h", path: "/api/x")
        if !body.isEmpty { request.headerFields[.contentLength] = "\(body.utf8.count)" }
        return try await router.response(
            to: request,
            body: ByteBuffer(string: body),
            client: nil,
            maxBytes: Self.downloadBytes
        )
    }

    @Test(arguments: [HTTPSPeer.Protocols.http1, .http2])
    func requestsAndResponsesOfAnySizePass(protocols: HTTPSPeer.Protocols) async throws {
        let authority = try CertificateAuthority()
        let identity = try authority.issue(dnsNames: ["localhost"])
        try await HTTPSPeer.run(.init(protocols, identity: identity), responder: Self.responder) { peer in
            let router = try CoreRouter(
                to: try BaseURL("https://localhost:\(peer.port)"),
                tls: TLSClientContext(authoritiesPEM: Array(authority.certificatePEM.utf8)),
                metrics: PrometheusRegistry(),
                logger: .silent
            )
            let upload = String(repeating: "y", count: 1 << 19)
            for _ in 0..<3 {
                #expect(try await forward(.post, body: upload, through: router).body == ByteBuffer(string: upload))
                let download = try await forward(.get, body: "", through: router)
                #expect(download.head.status == .ok)
                #expect(download.body.readableBytes == Self.downloadBytes)
            }
            // At most one for each event loop.
            #expect(peer.connectionCount <= System.coreCount)
            await router.shutdown()
        }
    }

    @Test(arguments: ["https://localhost", "https://127.0.0.1"])
    func aCoreAPIThatIsNotTrustedGetsNoRequest(url: String) async throws {
        let metrics = PrometheusRegistry()
        let identity = try CertificateAuthority().issue(dnsNames: ["localhost"])
        let requests = SharedCount()
        let responder: HTTPSPeer.Responder = { _, _ in
            requests.add()
            return Response(status: .ok)
        }
        try await HTTPSPeer.run(.init(.http1, identity: identity), responder: responder) { peer in
            let base = try BaseURL("\(url):\(peer.port)")
            let router = try CoreRouter(to: base, metrics: metrics, logger: .silent)
            let (head, body) = try await forward(.post, body: "secret", through: router)
            #expect(head.status == .badGateway)
            #expect(head.headerFields[.retryAfter] == "5")
            #expect(String(buffer: body).hasPrefix(#"{"error":"The core API cannot be reached"#))
            #expect(peer.connectionCount == 2)
        }
        #expect(requests.value == 0)
        #expect(
            metrics.text.contains(#"phase="connect",cause="tls"#)
                || metrics.text.contains(#"cause="tls",phase="connect""#)
        )
    }

    @Test func aHandshakeThatTakesTooLongIsAGatewayTimeout() async throws {
        try await RawPeer.run { _, _ in
            .init("", then: .keepOpen)
        } _: { peer in
            var limits = RouterLimits()
            limits.connectTimeout = .milliseconds(200)
            let router = try CoreRouter(
                to: try BaseURL("https://127.0.0.1:\(peer.port)"),
                limits: limits,
                metrics: PrometheusRegistry(),
                logger: .silent
            )
            #expect(try await forward(.get, body: "", through: router).head.status == .gatewayTimeout)
            await waitWhile { peer.openConnectionCount > 0 }
        }
    }
}
