import CurlHTTP
import DevelopmentCertificates
import HTTPTransport
import HTTPTypes
import TestPeers
import TestSupport
import Testing

/// Requests that the peer refused, and requests whose effect is unknown.
@Suite(.timeLimit(.minutes(10))) struct CurlTransportRefusalTests {
    private static let writes: [HTTPRequest.Method] = [.post, .patch, .delete]

    /// Sends a request that succeeds, so that the connection is in use, then one that gets `reply` at first.
    ///
    /// - Returns: The kind of the failure, if there was one, and the number of requests that the peer saw for it.
    private func send(
        _ method: HTTPRequest.Method,
        attempts failing: Int,
        _ reply: HTTP2FramePeer.Reply
    ) async throws -> (TransportError.Kind?, seen: Int) {
        let certificates = try CertificateAuthority()
        return try await HTTP2FramePeer.run(certificates.issue()) { index in
            (1...failing).contains(index) ? reply : .ok
        } _: { peer in
            try await withTransport(.init(tls: .trusting(certificates))) { transport in
                _ = try await transport.collect(request(to: peer.authority), maxBodyBytes: 0)
                let kind = await kindOfError {
                    let write = request(method, to: peer.authority, body: Array("change".utf8))
                    _ = try await transport.collect(write, maxBodyBytes: 0)
                }
                return (kind, peer.requestCount - 1)
            }
        }
    }

    @Test(arguments: writes) func aRequestOnARefusedStreamIsSentAgain(_ method: HTTPRequest.Method) async throws {
        #expect(try await send(method, attempts: 1, .reset(errorCode: 7)) == (nil, 2))
    }

    @Test(arguments: writes) func aRequestAfterTheLastStreamIsSentAgain(_ method: HTTPRequest.Method) async throws {
        #expect(try await send(method, attempts: 1, .goAwayBefore) == (nil, 2))
    }

    @Test func aRefusedFirstRequestOfAConnectionIsSentAgain() async throws {
        let certificates = try CertificateAuthority()
        try await HTTP2FramePeer.run(certificates.issue()) { index in
            index == 0 ? .reset(errorCode: 7) : .ok
        } _: { peer in
            try await withTransport(.init(tls: .trusting(certificates))) { transport in
                let write = request(.post, to: peer.authority, body: [1])
                _ = try await transport.collect(write, maxBodyBytes: 0)
                #expect(peer.requestCount == 2)
            }
        }
    }

    @Test func aRefusedWriteCountsAsNotSentWhereNoOtherConnectionCanBeMade() async throws {
        let (kind, seen) = try await send(.post, attempts: 1, .goAwayBeforeAndRefuseConnections)
        #expect(kind?.requestHadNoEffect == true)
        #expect(seen == 1)
    }

    @Test func aRefusedWriteCountsAsNotSentWhereItsConnectionHasOtherRequests() async throws {
        let certificates = try CertificateAuthority()
        try await HTTP2FramePeer.run(certificates.issue()) { index in
            index == 0 ? .silence : .goAwayBeforeAndRefuseConnections
        } _: { peer in
            try await withTransport(.init(tls: .trusting(certificates), maxSilence: .seconds(60))) { transport in
                let other = Task { try await transport.collect(request(to: peer.authority), maxBodyBytes: 0) }
                await waitWhile { peer.requestCount < 1 }
                let kind = await kindOfError {
                    _ = try await transport.collect(request(.post, to: peer.authority, body: [1]), maxBodyBytes: 0)
                }
                #expect(kind?.requestHadNoEffect == true)
                other.cancel()
                _ = await other.result
            }
        }
    }

    @Test func aPeerThatRefusesEverythingIsAskedABoundedNumberOfTimes() async throws {
        let (kind, seen) = try await send(.post, attempts: 1_000, .goAwayBefore)
        #expect(kind == .refused)
        #expect((2...20).contains(seen))
    }

    @Test(arguments: [HTTP2FramePeer.Reply.reset(errorCode: 2), .close, .goAwayAfterAndClose])
    func aWriteThatMayHaveHadAnEffectIsNotRepeated(_ reply: HTTP2FramePeer.Reply) async throws {
        #expect(try await send(.post, attempts: 1, reply) == (.protocolViolation, 1))
    }
}
