import CurlHTTP
import HTTPTransport
import HTTPTypes
import TestPeers
import TestSupport
import Testing

/// The bytes of requests, and the result of unusual responses.
@Suite(.timeLimit(.minutes(10))) struct CurlTransportRequestTests {
    private static let empty = RawPeer.Response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", then: .keepOpen)

    /// The lines of the request head that the peer receives, the first one first and the others sorted.
    private func wire(_ build: @Sendable (String) -> TransportRequest) async throws -> [String] {
        try await RawPeer.run { _, _ in
            Self.empty
        } _: { peer in
            try await withTransport { transport in
                _ = try await transport.collect(build(peer.authority), maxBodyBytes: 0)
                var lines = try #require(peer.heads.first).split(separator: "\r\n").map(String.init)
                let first = lines.removeFirst()
                return [first] + lines.sorted().map { $0.replacing(peer.authority, with: "peer") }
            }
        }
    }

    @Test func aRequestHasNoFieldsThatItsCallerDidNotSet() async throws {
        #expect(try await wire { request(to: $0, "/a?b=c", scheme: "http") } == ["GET /a?b=c HTTP/1.1", "Host: peer"])
        #expect(try await wire { request(.delete, to: $0, scheme: "http") } == ["DELETE / HTTP/1.1", "Host: peer"])
        #expect(try await wire { request(.head, to: $0, scheme: "http") } == ["HEAD / HTTP/1.1", "Host: peer"])
    }

    @Test(arguments: ["//a/./b/../%2e%2E/%zz?x=1&&?", "/?", "/a?"])
    func thePathIsNotNormalized(path: String) async throws {
        #expect(try await wire { request(to: $0, path, scheme: "http") } == ["GET \(path) HTTP/1.1", "Host: peer"])
    }

    @Test(arguments: [HTTPRequest.Method.post, .put, .patch, .delete])
    func bodiesComeWithTheirLength(method: HTTPRequest.Method) async throws {
        let lines = try await wire { request(method, to: $0, scheme: "http", body: [1, 2, 3]) }
        #expect(lines == ["\(method) / HTTP/1.1", "Content-Length: 3", "Host: peer"])
    }

    @Test(arguments: [HTTPRequest.Method.post, .put, .patch])
    func emptyBodiesAreAnnouncedWhereOneIsExpected(method: HTTPRequest.Method) async throws {
        let lines = try await wire { request(method, to: $0, scheme: "http") }
        #expect(lines == ["\(method) / HTTP/1.1", "Content-Length: 0", "Host: peer"])
    }

    @Test func aLargeBodyIsSentWithoutAskingFirst() async throws {
        let lines = try await wire {
            request(.post, to: $0, scheme: "http", body: Array(repeating: 1, count: 2_000_000))
        }
        #expect(lines == ["POST / HTTP/1.1", "Content-Length: 2000000", "Host: peer"])
    }

    @Test func aHostFieldReplacesTheAuthority() async throws {
        let host = try #require(HTTPField.Name("Host"))
        let lines = try await wire { request(to: $0, scheme: "http", fields: [host: "a.localhost:8088"]) }
        #expect(lines == ["GET / HTTP/1.1", "Host: a.localhost:8088"])
    }

    @Test func lineBreaksInFieldValuesInjectNothing() async throws {
        let name = try #require(HTTPField.Name("X-Test"))
        let lines = try await wire {
            request(
                to: $0,
                scheme: "http",
                fields: [name: "a\r\nEvil: 1", .accept: "b\nEvil: 2", .userAgent: "c\u{0}d"]
            )
        }
        #expect(lines.count == 5)
        #expect(!lines.contains { $0.hasPrefix("Evil") })
    }

    @Test func aLineBreakInTheURLIsRefusedBeforeAnythingIsSent() async throws {
        try await RawPeer.run { _, _ in
            Self.empty
        } _: { peer in
            try await withTransport { transport in
                let kind = await kindOfError {
                    _ = try await transport.collect(
                        request(to: peer.authority, "/a HTTP/1.1\r\nEvil: 1", scheme: "http"),
                        maxBodyBytes: 0
                    )
                }
                #expect(kind == .invalidRequest)
                #expect(peer.heads.isEmpty)
            }
        }
    }

    @Test func handlesDoNotCarryARequestOverIntoTheNext() async throws {
        try await RawPeer.run { _, _ in
            Self.empty
        } _: { peer in
            try await withTransport { transport in
                let methods: [(HTTPRequest.Method, [UInt8])] = [
                    (.post, [1]), (.head, []), (.patch, []), (.get, []), (.delete, [1]), (.get, []),
                ]
                for (method, body) in methods {
                    let built = request(method, to: peer.authority, scheme: "http", body: body)
                    _ = try await transport.collect(built, maxBodyBytes: 0)
                }
                let lines = peer.heads.map { head in
                    head.split(separator: "\r\n").filter { !$0.hasPrefix("Host") }.joined(separator: "|")
                }
                #expect(
                    lines == [
                        "POST / HTTP/1.1|Content-Length: 1", "HEAD / HTTP/1.1", "PATCH / HTTP/1.1|Content-Length: 0",
                        "GET / HTTP/1.1", "DELETE / HTTP/1.1|Content-Length: 1", "GET / HTTP/1.1",
                    ]
                )
            }
        }
    }

    @Test func aRedirectIsAResponseLikeAnyOther() async throws {
        try await RawPeer.run { _, _ in
            .init("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", then: .keepOpen)
        } _: { peer in
            try await withTransport { transport in
                let (head, _) = try await transport.collect(
                    request(to: peer.authority, scheme: "http"),
                    maxBodyBytes: 0
                )
                #expect(head.status.code == 302)
                #expect(peer.heads.count == 1)
            }
        }
    }

    @Test func interimResponsesAndTrailersAreNotTheResponse() async throws {
        try await RawPeer.run { _, _ in
            .init(
                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "2\r\nok\r\n0\r\nChecksum: 1\r\n\r\n",
                then: .keepOpen
            )
        } _: { peer in
            try await withTransport { transport in
                let (head, body) = try await transport.collect(
                    request(to: peer.authority, scheme: "http"),
                    maxBodyBytes: 2
                )
                #expect(head == HTTPResponse(status: .ok, headerFields: [.transferEncoding: "chunked"]))
                #expect(body == Array("ok".utf8))
            }
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nX-Filler: " + String(repeating: "x", count: 300_000) + "\r\n\r\n",
        "HTTP/1.1 200 OK\r\n" + String(repeating: "X-Filler: xxxxxxxxxxxxxxxxxxxx\r\n", count: 6_000) + "\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "no HTTP at all\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "",
    ])
    func aMalformedResponseIsAProtocolViolation(bytes: String) async throws {
        try await RawPeer.run { _, _ in
            .init(bytes, then: .close)
        } _: { peer in
            try await withTransport { transport in
                let kind = await kindOfError {
                    _ = try await transport.collect(request(to: peer.authority, scheme: "http"), maxBodyBytes: 100)
                }
                #expect(kind == .protocolViolation)
            }
        }
    }
}
