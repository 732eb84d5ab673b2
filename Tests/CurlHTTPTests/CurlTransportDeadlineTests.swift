import CurlHTTP
import HTTPTransport
import HTTPTypes
import TestPeers
import TestSupport
import Testing

/// Peers that never respond, so that a time limit, however short, is what ends the request.
@Suite(.timeLimit(.minutes(10))) struct CurlTransportDeadlineTests {
    private static let limit: Duration = .milliseconds(50)

    private func kind(
        _ answer: RawPeer.Response,
        timeout: Duration?,
        headTimeout: Duration? = nil
    ) async throws -> TransportError.Kind? {
        try await RawPeer.run { _, _ in
            answer
        } _: { peer in
            try await withTransport { transport in
                await kindOfError {
                    let request = request(
                        to: peer.authority,
                        scheme: "http",
                        timeout: timeout,
                        headTimeout: headTimeout
                    )
                    _ = try await transport.collect(request, maxBodyBytes: 100)
                }
            }
        }
    }

    private static let silence = RawPeer.Response("", then: .keepOpen)
    private static let halfHead = RawPeer.Response("HTTP/1.1 200 OK\r\n", then: .keepOpen)
    private static let halfBody = RawPeer.Response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then: .keepOpen)

    @Test func aPeerThatNeverAnswersRunsIntoEitherLimit() async throws {
        #expect(try await kind(Self.silence, timeout: Self.limit) == .timedOut)
        #expect(try await kind(Self.silence, timeout: .seconds(60), headTimeout: Self.limit) == .timedOut)
        #expect(try await kind(Self.silence, timeout: nil, headTimeout: Self.limit) == .timedOut)
        #expect(try await kind(Self.halfHead, timeout: nil, headTimeout: Self.limit) == .timedOut)
    }

    @Test func theTotalLimitCoversTheBody() async throws {
        #expect(try await kind(Self.halfBody, timeout: Self.limit) == .timedOut)
    }

    @Test func theHeadLimitEndsWithTheHead() async throws {
        let kind = try await kind(Self.halfBody, timeout: .milliseconds(200), headTimeout: .milliseconds(150))
        #expect(kind == .timedOut)
        try await RawPeer.run { _, _ in
            Self.halfBody
        } _: { peer in
            try await withTransport { transport in
                let stream = request(to: peer.authority, scheme: "http", timeout: nil, headTimeout: .seconds(60))
                let first = try await transport.withResponse(to: stream) { response in
                    try await response.body.makeAsyncIterator().next()
                }
                #expect(first == Array("half".utf8))
            }
        }
    }

    @Test func aLimitThatHasPassedAlreadyFailsTheRequest() async throws {
        #expect(try await kind(Self.silence, timeout: .zero) == .timedOut)
        #expect(try await kind(Self.silence, timeout: .seconds(-1)) == .timedOut)
    }
}
