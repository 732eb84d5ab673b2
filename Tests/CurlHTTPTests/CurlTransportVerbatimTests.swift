import CurlHTTP
import HTTPTransport
import HTTPTypes
import TestPeers
import TestSupport
import Testing

@Suite("Requests that are forwarded unchanged", .timeLimit(.minutes(10)))
struct CurlTransportVerbatimTests {
    private static let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    private func verbatim(
        _ method: HTTPRequest.Method = .get,
        to authority: String,
        _ path: String = "/",
        fields: HTTPFields = [:]
    ) -> TransportRequest {
        var verbatim = request(method, to: authority, path, scheme: "http", fields: fields, timeout: nil)
        verbatim.isVerbatim = true
        return verbatim
    }

    @Test(arguments: ["//a/./b/../%2e%2E/%zz?x=1&&?", "*", "/{x}|^`\\<>\"", "/?", "/a?"])
    func theTargetIsSentUnchangedAndNoFieldIsAdded(path: String) async throws {
        let heads = try await RawPeer.run({ _, _ in .init(Self.empty, then: .keepOpen) }) { peer in
            try await withTransport { transport in
                let request = verbatim(.options, to: peer.authority, path, fields: [.accept: "a/b"])
                _ = try await transport.collect(request, maxBodyBytes: 0)
            }
            return peer.heads.map { $0.replacing(peer.authority, with: "peer") }
        }
        #expect(heads == ["OPTIONS \(path) HTTP/1.1\r\nHost: peer\r\nAccept: a/b"])
    }

    @Test func aDeclaredLengthOfZeroIsKeptAndNoneIsInvented() async throws {
        let heads = try await RawPeer.run({ _, _ in .init(Self.empty, then: .keepOpen) }) { peer in
            try await withTransport { transport in
                for fields: HTTPFields in [[:], [.contentLength: "0"]] {
                    _ = try await transport.collect(
                        verbatim(.post, to: peer.authority, fields: fields),
                        maxBodyBytes: 0
                    )
                }
            }
            return peer.heads
        }
        #expect(heads.map { $0.lowercased().contains("content-length: 0") } == [false, true])
    }

    @Test func trailersAreKnownAfterTheBody() async throws {
        let answer =
            "HTTP/1.1 299 Quite odd\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 5\r\nX-More: 6\r\n\r\n"
        try await RawPeer.run({ _, _ in .init(answer, then: .keepOpen) }) { peer in
            try await withTransport { transport in
                try await transport.withResponse(to: verbatim(to: peer.authority)) { response in
                    #expect(response.head.status.reasonPhrase == "Quite odd")
                    let body = try await response.body.collect(maxBytes: 10)
                    #expect(body == Array("hi".utf8))
                    #expect(response.trailers?.map { "\($0)" } == ["X-Sum: 5", "X-More: 6"])
                }
            }
        }
    }

    @Test func aRequestCanBeEndedFromOutside() async throws {
        try await RawPeer.run({ _, _ in .init("", then: .keepOpen) }) { peer in
            try await withTransport { transport in
                let abort = TransportAbort()
                var request = verbatim(to: peer.authority)
                request.abort = abort
                let sent = request
                async let kind = kindOfError { _ = try await transport.collect(sent, maxBodyBytes: 0) }
                await waitWhile { peer.heads.isEmpty }
                abort.abort()
                #expect(await kind == .cancelled)
                let again = await kindOfError { _ = try await transport.collect(sent, maxBodyBytes: 0) }
                #expect(again == .cancelled)
            }
        }
    }
}
