import CurlHTTP
import DevelopmentCertificates
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Hummingbird
import TestPeers
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct CurlTransportConnectionTests {
    /// A port below those that the system assigns, without a listener.
    private static let nobody = "127.0.0.1:1"

    @Test func aThousandRequestsUseOneConnection() async throws {
        let certificates = try CertificateAuthority()
        try await HTTPSPeer.run(.init(.http1, identity: certificates.issue())) { _, _ in
            Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "ok")))
        } _: { peer in
            // No pause of a busy machine may count as a dead connection.
            let configuration = CurlConfiguration(
                tls: .trusting(certificates),
                maxSilence: .seconds(60),
                maxIdle: .seconds(60)
            )
            try await withTransport(configuration) { transport in
                for _ in 0..<1_000 {
                    let (head, body) = try await transport.collect(request(to: peer.authority), maxBodyBytes: 2)
                    #expect(head.status == .ok && body == Array("ok".utf8))
                }
                #expect(peer.connectionCount == 1)
            }
        }
    }

    @Test(
        "A request with a connection of its own does not disturb the one in use",
        arguments: [HTTPSPeer.Protocols.http1, .http2]
    )
    func aRequestWithItsOwnConnectionDoesNotDisturbTheOpenOne(protocols: HTTPSPeer.Protocols) async throws {
        let certificates = try CertificateAuthority()
        try await HTTPSPeer.run(.init(protocols, identity: certificates.issue())) { _, _ in
            Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "ok")))
        } _: { peer in
            try await withTransport(.init(tls: .trusting(certificates))) { transport in
                let usual = request(to: peer.authority)
                var own = usual
                own.usesOwnConnection = true
                _ = try await transport.collect(usual, maxBodyBytes: 2)
                for count in 1...3 {
                    _ = try await transport.collect(own, maxBodyBytes: 2)
                    #expect(peer.connectionCount == 1 + count)
                    _ = try await transport.collect(usual, maxBodyBytes: 2)
                    #expect(peer.connectionCount == 1 + count, "the connection in use is used again")
                }
            }
        }
    }

    @Test func theKernelGivesAConnectionUpIfNothingIsAcknowledgedForTenSeconds() async throws {
        try await RawPeer.run { _, _ in
            .init("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", then: .keepOpen)
        } _: { peer in
            try await withTransport { transport in
                for timeout: Duration? in [.seconds(60), nil] {
                    let request = request(to: peer.authority, scheme: "http", timeout: timeout)
                    _ = try await transport.collect(request, maxBodyBytes: 0)
                }
                #expect(unacknowledgedTimeLimits(ofConnectionsTo: peer.port) == [10_000, 10_000])
            }
        }
    }

    @Test func aRefusedConnectionIsAConnectError() async throws {
        try await withTransport { transport in
            let kind = await kindOfError {
                _ = try await transport.collect(request(to: Self.nobody, scheme: "http"), maxBodyBytes: 0)
            }
            #expect(kind == .connect)
        }
    }

    @Test func aPeerThatResetsIsAProtocolViolation() async throws {
        try await RawPeer.run { _, _ in
            .init("", then: .reset)
        } _: { peer in
            try await withTransport { transport in
                let kind = await kindOfError {
                    _ = try await transport.collect(request(to: peer.authority, scheme: "http"), maxBodyBytes: 0)
                }
                #expect(kind == .protocolViolation)
            }
        }
    }

    /// Breaks a persistent connection on the second request.
    private static let breaksOnTheSecondRequest: RawPeer.Script = { index, _ in
        .init("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", then: .keepOpen).breaking(if: index == 1)
    }

    @Test func aCreateIsNotRepeatedWhenItsConnectionBreaks() async throws {
        try await RawPeer.run(Self.breaksOnTheSecondRequest) { peer in
            try await withTransport { transport in
                _ = try await transport.collect(request(to: peer.authority, scheme: "http"), maxBodyBytes: 0)
                let kind = await kindOfError {
                    let create = request(.post, to: peer.authority, scheme: "http", body: [1])
                    _ = try await transport.collect(create, maxBodyBytes: 0)
                }
                #expect(kind == .protocolViolation)
                #expect(peer.heads.count == 2)
            }
        }
    }

    /// A kept connection on which the second request gets nothing but `end`, once no further connection is accepted.
    private static func refusesConnections(then end: RawPeer.Response.End) -> RawPeer.Script {
        { index, _ in
            index == 0
                ? .init("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", then: .keepOpen)
                : .init("", then: end, refusesConnections: true)
        }
    }

    @Test func aWriteOnAKeptConnectionCountsAsSentAlthoughNoOtherCanBeMade() async throws {
        try await RawPeer.run(Self.refusesConnections(then: .close)) { peer in
            try await withTransport { transport in
                _ = try await transport.collect(request(to: peer.authority, scheme: "http"), maxBodyBytes: 0)
                let kind = await kindOfError {
                    let write = request(.post, to: peer.authority, scheme: "http", body: [1])
                    _ = try await transport.collect(write, maxBodyBytes: 0)
                }
                #expect(kind == .protocolViolation)
                #expect(peer.heads.count == 2)
            }
        }
    }

    @Test func aWriteThatHasLeftASilentConnectionCountsAsSentAlthoughNoOtherCanBeMade() async throws {
        try await RawPeer.run(Self.refusesConnections(then: .keepOpen)) { peer in
            try await withTransport(.init(maxSilence: .seconds(1))) { transport in
                _ = try await transport.collect(request(to: peer.authority, scheme: "http"), maxBodyBytes: 0)
                let kind = await kindOfError {
                    let write = request(.put, to: peer.authority, scheme: "http", body: [1])
                    _ = try await transport.collect(write, maxBodyBytes: 0)
                }
                #expect(kind == .protocolViolation)
                #expect(peer.heads.count == 2)
            }
        }
    }

    @Test func aDeleteIsRepeatedWhenItsConnectionBreaksUnlessItsSenderForbidsThat() async throws {
        for mayBeRepeated in [true, false] {
            try await RawPeer.run(Self.breaksOnTheSecondRequest) { peer in
                try await withTransport { transport in
                    _ = try await transport.collect(request(to: peer.authority, scheme: "http"), maxBodyBytes: 0)
                    var delete = request(.delete, to: peer.authority, scheme: "http")
                    delete.mayBeRepeated = mayBeRepeated
                    let sent = delete
                    let kind = await kindOfError { _ = try await transport.collect(sent, maxBodyBytes: 0) }
                    #expect(kind == (mayBeRepeated ? nil : .protocolViolation))
                    #expect(peer.heads.count == (mayBeRepeated ? 3 : 2))
                }
            }
        }
    }

    @Test func aReadIsRepeatedWhenItsConnectionBreaks() async throws {
        try await RawPeer.run(Self.breaksOnTheSecondRequest) { peer in
            try await withTransport { transport in
                for _ in 0..<2 {
                    _ = try await transport.collect(request(to: peer.authority, scheme: "http"), maxBodyBytes: 0)
                }
                #expect(peer.heads.count == 3)
            }
        }
    }

    @Test func anUnreachableProxyIsAConnectError() async throws {
        try await withTransport(.init(proxy: "http://user:secret@\(Self.nobody)")) { transport in
            do {
                _ = try await transport.collect(request(to: "example.invalid"), maxBodyBytes: 0)
                Issue.record("the request needed no proxy")
            } catch let error as TransportError {
                #expect(error.kind == .connect)
                #expect(!error.message.contains("secret"))
            }
        }
    }

    @Test func aProxyThatRefusesTheTunnelIsAConnectError() async throws {
        try await RawPeer.run { _, _ in
            .init("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", then: .close)
        } _: { proxy in
            try await withTransport(.init(proxy: "http://\(proxy.authority)")) { transport in
                let kind = await kindOfError {
                    _ = try await transport.collect(request(to: "example.invalid"), maxBodyBytes: 0)
                }
                #expect(kind == .connect)
                #expect(proxy.heads.first?.hasPrefix("CONNECT example.invalid:443 ") == true)
            }
        }
    }
}

extension RawPeer.Response {
    /// Only an RST if `condition` holds.
    fileprivate func breaking(if condition: Bool) -> Self {
        condition ? Self("", then: .reset) : self
    }
}
