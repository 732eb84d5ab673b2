import CurlHTTP
import HTTPTransport
import HTTPTypes
import TestPeers
import Testing

@Suite(.timeLimit(.minutes(10)))
struct CurlTransportVerbatimTests {
    @Test func trailersAreKnownAfterTheBody() async throws {
        let answer =
            "HTTP/1.1 299 Quite odd\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 5\r\nX-More: 6\r\n\r\n"
        try await RawPeer.run({ _, _ in .init(answer, then: .keepOpen) }) { peer in
            try await withTransport { transport in
                try await transport.withResponse(to: request(to: peer.authority, scheme: "http")) { response in
                    #expect(response.head.status.reasonPhrase == "Quite odd")
                    let body = try await response.body.collect(maxBytes: 10)
                    #expect(body == Array("hi".utf8))
                    #expect(response.trailers?.map { "\($0)" } == ["X-Sum: 5", "X-More: 6"])
                }
            }
        }
    }
}
