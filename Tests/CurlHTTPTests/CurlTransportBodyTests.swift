import CurlHTTP
import DevelopmentCertificates
import FoundationEssentials
import HTTPTransport
import Hummingbird
import Synchronization
import TestPeers
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct CurlTransportBodyTests {
    private static let chunk = ByteBuffer(repeating: 0x61, count: 64 * 1_024)
    private static let chunkCount = 1_600

    /// Sends 100 MB, and counts the bytes that were sent.
    private static func flood(counting sent: SentBytes) -> HTTPSPeer.Responder {
        { request, context in
            guard request.uri.path == "/flood" else { return Response(status: .noContent) }
            return Response(
                status: .ok,
                body: ResponseBody { writer in
                    for _ in 0..<chunkCount {
                        try await writer.write(chunk)
                        try await context.flushWrites()
                        sent.count.withLock { $0 += chunk.readableBytes }
                    }
                    try await writer.finish(nil)
                }
            )
        }
    }

    private final class SentBytes: Sendable {
        let count = Mutex(0)
    }

    @Test(arguments: [HTTPSPeer.Protocols.plainHTTP1, .http1, .http2], [Duration.seconds(120), nil])
    func aBodyOfAHundredMegabytesIsNeverBufferedWhole(protocols: HTTPSPeer.Protocols, timeout: Duration?) async throws {
        let certificates = try CertificateAuthority()
        let sent = SentBytes()
        let peer = HTTPSPeer.Configuration(protocols, identity: try certificates.issue())
        try await HTTPSPeer.run(peer, responder: Self.flood(counting: sent)) { peer in
            try await withTransport(.init(tls: .trusting(certificates))) { transport in
                let scheme = protocols == .plainHTTP1 ? "http" : "https"
                let flood = request(to: peer.authority, "/flood", scheme: scheme, timeout: timeout)
                let (received, mostUnread) = try await transport.withResponse(to: flood) { response in
                    var (received, mostUnread) = (0, 0)
                    for try await chunk in response.body {
                        received += chunk.count
                        mostUnread = max(mostUnread, sent.count.withLock { $0 } - received)
                    }
                    return (received, mostUnread)
                }
                #expect(received == Self.chunkCount * Self.chunk.readableBytes)
                // The buffers of the transport, of libcurl, of NIO, and of the kernel's sockets on both sides.
                #expect(mostUnread < 40_000_000)
            }
        }
    }

    @Test func aStreamThatIsNotReadDelaysNoOtherRequest() async throws {
        let certificates = try CertificateAuthority()
        let sent = SentBytes()
        let peer = HTTPSPeer.Configuration(.http2, identity: try certificates.issue())
        try await HTTPSPeer.run(peer, responder: Self.flood(counting: sent)) { peer in
            try await withTransport(.init(tls: .trusting(certificates))) { transport in
                let flood = request(to: peer.authority, "/flood", timeout: nil)
                try await transport.withResponse(to: flood) { stream in
                    for _ in 0..<200 {
                        _ = try await transport.collect(request(to: peer.authority), maxBodyBytes: 0)
                    }
                    #expect(sent.count.withLock { $0 } < Self.chunkCount * Self.chunk.readableBytes)
                    var received = 0
                    for try await chunk in stream.body { received += chunk.count }
                    #expect(received == Self.chunkCount * Self.chunk.readableBytes)
                }
            }
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    ])
    func aTruncatedBodyIsReadUpToTheBreakAndThenFails(bytes: String) async throws {
        try await RawPeer.run { _, _ in
            .init(bytes, then: .close)
        } _: { peer in
            try await withTransport { transport in
                let received = Mutex<[UInt8]>([])
                let kind = await kindOfError {
                    try await transport.withResponse(to: request(to: peer.authority, scheme: "http")) { response in
                        for try await chunk in response.body { received.withLock { $0 += chunk } }
                    }
                }
                #expect(kind == .protocolViolation)
                #expect(received.withLock { $0 } == Array("half".utf8))
            }
        }
    }

    @Test func aBodyWithoutLengthEndsWithItsConnection() async throws {
        try await RawPeer.run { _, _ in
            .init("HTTP/1.1 200 OK\r\n\r\nall", then: .close)
        } _: { peer in
            try await withTransport { transport in
                let (_, body) = try await transport.collect(
                    request(to: peer.authority, scheme: "http"),
                    maxBodyBytes: 3
                )
                #expect(body == Array("all".utf8))
            }
        }
    }

    @Test func aBodyIsInvalidOnceItsResponseIsClosed() async throws {
        try await RawPeer.run { _, _ in
            .init("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", then: .keepOpen)
        } _: { peer in
            try await withTransport { transport in
                let body = try await transport.withResponse(to: request(to: peer.authority, scheme: "http")) { $0.body }
                #expect(await kindOfError { _ = try await body.collect(maxBytes: 9) } == .cancelled)
            }
        }
    }

    @Test func aBodyLongerThanAcceptedAbortsItsTransfer() async throws {
        try await RawPeer.run { _, _ in
            .init("HTTP/1.1 200 OK\r\n\r\ntoo long", then: .keepOpen)
        } _: { peer in
            try await withTransport { transport in
                let kind = await kindOfError {
                    _ = try await transport.collect(request(to: peer.authority, scheme: "http"), maxBodyBytes: 3)
                }
                #expect(kind == .bodyTooLarge)
            }
        }
    }
}
