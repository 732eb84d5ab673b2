import CurlHTTP
import DevelopmentCertificates
import HTTPTransport
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import TestPeers
import TestSupport
import Testing

/// Connections that die without a notification.
@Suite(.timeLimit(.minutes(10))) struct CurlTransportSilenceTests {
    private static let everyProtocol: [HTTPSPeer.Protocols] = [.http2, .http1, .plainHTTP1]
    /// Long enough for a response on a busy machine, which must not count as silence.
    private static let maxSilence: Duration = .seconds(1)
    /// The time limit of a request that ends by it; longer than the allowed silence.
    private static let timeout: Duration = .seconds(3)

    /// Responds at `/watch` with a stream that goes quiet after its first bytes.
    @Sendable private static func respondWithWatch(
        _ request: Request,
        _ context: HTTPSPeer.Context
    ) async throws -> Response {
        guard request.uri.path == "/watch" else { return Response(status: .ok) }
        return Response(
            status: .ok,
            body: ResponseBody { writer in
                try await writer.write(ByteBuffer(string: "first"))
                try await waitUntilTheClientGivesUp(request)
            }
        )
    }

    /// Runs a peer, a proxy in front of it, and a transport that has used its connection once.
    private func withMutingProxy(
        _ protocols: HTTPSPeer.Protocols,
        responder: @escaping HTTPSPeer.Responder = { _, _ in Response(status: .ok) },
        _ body: @Sendable (MutingProxy, CurlTransport, _ scheme: String) async throws -> Void
    ) async throws {
        let certificates = try CertificateAuthority()
        let scheme = protocols == .plainHTTP1 ? "http" : "https"
        try await HTTPSPeer.run(.init(protocols, identity: certificates.issue()), responder: responder) { peer in
            try await MutingProxy.run(to: peer.port) { proxy in
                let configuration = CurlConfiguration(tls: .trusting(certificates), maxSilence: Self.maxSilence)
                try await withTransport(configuration) { transport in
                    _ = try await transport.collect(request(to: proxy.authority, scheme: scheme), maxBodyBytes: 0)
                    try await body(proxy, transport, scheme)
                }
            }
        }
    }

    @Test(arguments: everyProtocol)
    func aConnectionOnWhichARequestTimedOutTakesNoNewOne(_ protocols: HTTPSPeer.Protocols) async throws {
        try await withMutingProxy(protocols) { proxy, transport, scheme in
            proxy.muteOpenConnections()
            let write = request(.post, to: proxy.authority, scheme: scheme, body: [1], timeout: Self.timeout)
            let kind = await kindOfError { _ = try await transport.collect(write, maxBodyBytes: 0) }
            #expect(kind == .timedOut)
            for _ in 0..<3 { _ = try await transport.collect(write, maxBodyBytes: 0) }
            #expect(proxy.connectionCount >= 2)
        }
    }

    @Test(arguments: everyProtocol)
    func aReadLeavesItsSilentConnection(_ protocols: HTTPSPeer.Protocols) async throws {
        try await withMutingProxy(protocols) { proxy, transport, scheme in
            proxy.muteOpenConnections()
            let (head, _) = try await transport.collect(request(to: proxy.authority, scheme: scheme), maxBodyBytes: 0)
            #expect(head.status == .ok)
            #expect(proxy.connectionCount >= 2)
        }
    }

    @Test func otherRequestsDoNotWaitForTheOneThatFoundTheSilence() async throws {
        try await withMutingProxy(.http2) { proxy, transport, _ in
            proxy.muteOpenConnections()
            let write = request(.post, to: proxy.authority, body: [1])
            let lost = Task { try await transport.collect(write, maxBodyBytes: 0) }
            // This request moves to the new connection once the silence is found.
            _ = try await transport.collect(request(to: proxy.authority), maxBodyBytes: 0)
            _ = try await transport.collect(write, maxBodyBytes: 0)
            lost.cancel()
            #expect(await lost.result.isFailure)
        }
    }

    @Test func aSlowResponseStillArrivesOnTheAbandonedConnection() async throws {
        let (release, releasing) = AsyncStream.makeStream(of: Void.self)
        let arrivals = Atomic(0)
        try await withMutingProxy(.http2) { request, _ in
            switch request.uri.path {
            case "/slow": for await _ in release {}
            case "/second":
                if arrivals.add(1, ordering: .relaxed).newValue == 1 { try await waitUntilTheClientGivesUp(request) }
            case "/release": releasing.finish()
            default: break
            }
            return Response(status: .ok)
        } _: { proxy, transport, _ in
            let slow = request(.post, to: proxy.authority, "/slow", body: [1])
            async let answer = transport.collect(slow, maxBodyBytes: 0)
            // This request is answered only when it arrives for the second time, on another connection.
            _ = try await transport.collect(request(to: proxy.authority, "/second"), maxBodyBytes: 0)
            #expect(proxy.connectionCount >= 2)
            _ = try await transport.collect(request(to: proxy.authority, "/release"), maxBodyBytes: 0)
            #expect(try await answer.head.status == .ok)
            #expect(proxy.connectionCount >= 2)
        }
    }

    @Test(arguments: everyProtocol)
    func aSilentStreamEndsOnceItsPeerRespondsOnOtherConnections(_ protocols: HTTPSPeer.Protocols) async throws {
        try await withMutingProxy(protocols, responder: Self.respondWithWatch) { proxy, transport, scheme in
            let watch = request(to: proxy.authority, "/watch", scheme: scheme, timeout: nil)
            let kind = await kindOfError {
                try await transport.withResponse(to: watch) { response in
                    let chunks = response.body.makeAsyncIterator()
                    #expect(try await chunks.next() == Array("first".utf8))
                    proxy.muteOpenConnections()
                    _ = try await transport.collect(request(to: proxy.authority, scheme: scheme), maxBodyBytes: 0)
                    _ = try await chunks.next()
                }
            }
            #expect(kind == .protocolViolation)
        }
    }

    @Test func aStreamThatFindsTheSilenceEndsAQuietOneAndLaterStreamsWork() async throws {
        try await withMutingProxy(.http1, responder: Self.respondWithWatch) { proxy, transport, scheme in
            let watch = request(to: proxy.authority, "/watch", scheme: scheme, timeout: nil)
            let stream = request(to: proxy.authority, scheme: scheme, timeout: nil)
            let kind = await kindOfError {
                try await transport.withResponse(to: watch) { response in
                    let chunks = response.body.makeAsyncIterator()
                    #expect(try await chunks.next() == Array("first".utf8))
                    // Its connection is kept, and the next stream finds it silent.
                    _ = try await transport.collect(stream, maxBodyBytes: 0)
                    proxy.muteOpenConnections()
                    _ = try await transport.collect(stream, maxBodyBytes: 0)
                    _ = try await chunks.next()
                }
            }
            #expect(kind == .protocolViolation)
            // Two at once, so that one of them uses the handle of the stream that was ended.
            let status = try await transport.withResponse(to: watch) { _ in
                try await transport.collect(stream, maxBodyBytes: 0).head.status
            }
            #expect(status == .ok)
        }
    }

    @Test func aStreamThatIsSilentBeforeTheHeadIsOpenedOnAnotherConnection() async throws {
        try await withMutingProxy(.http1) { proxy, transport, scheme in
            let stream = request(to: proxy.authority, scheme: scheme, timeout: nil)
            _ = try await transport.collect(stream, maxBodyBytes: 0)
            proxy.muteOpenConnections()
            let (head, _) = try await transport.collect(stream, maxBodyBytes: 0)
            #expect(head.status == .ok)
        }
    }

    @Test(arguments: everyProtocol)
    func everyRequestEndsInTimeWithoutAnyResponse(_ protocols: HTTPSPeer.Protocols) async throws {
        try await withMutingProxy(protocols) { proxy, transport, scheme in
            proxy.muteAllConnections()
            for method in [HTTPRequest.Method.get, .post] {
                let kind = await kindOfError {
                    let sent = request(method, to: proxy.authority, scheme: scheme, timeout: Self.timeout)
                    _ = try await transport.collect(sent, maxBodyBytes: 0)
                }
                #expect(kind == .timedOut)
            }
            proxy.forwardNewConnections()
            let write = request(.post, to: proxy.authority, scheme: scheme, body: [1])
            _ = try await transport.collect(write, maxBodyBytes: 0)
        }
    }
}

extension Result {
    fileprivate var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
