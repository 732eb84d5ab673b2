import COpenSSL
import DevelopmentCertificates
import FoundationEssentials
import NIOCore
import NIOEmbedded
import Testing

@testable import ChannelTLS

@Suite("TLS handshakes", .timeLimit(.minutes(1)))
struct TLSHandshakeTests {
    /// How a handshake ends for the client: `nil` if it succeeds.
    private func failure(
        host: String,
        trusted: CertificateAuthority,
        identity: CertificateAuthority.Identity,
        version: TLSVersion = .tls13
    ) throws -> TLSFailure.Handshake? {
        let pair = try TLSPair(host: host, trusted: trusted, server: TLSServerContext(identity, newest: version))
        try pair.activate()
        let promise = pair.client.channel.eventLoop.makePromise(of: Void.self)
        let sent = Outcomes([promise])
        pair.client.send([1], promise: promise)
        try pair.exchange()
        let events = pair.client.application.events
        guard case .failure(.handshake(let reason, _)) = events.first else {
            #expect(events == [.handshakeCompleted])
            #expect(pair.server.application.events == [.handshakeCompleted])
            #expect(pair.server.application.received == [1])
            return nil
        }
        #expect(events.last == .inactive && events.count == 2)
        #expect(!pair.client.channel.isActive)
        #expect(sent.errors.first as? TLSFailure == .handshake(reason, detail: try detail(of: events)))
        #expect(pair.server.application.received.isEmpty)
        // The client's alert arrives, before or after the end of the server's handshake.
        #expect(pair.server.application.events.contains { if case .failure = $0 { true } else { false } })
        return reason
    }

    private func detail(of events: [ApplicationEvent]) throws -> String {
        guard case .failure(.handshake(_, let detail)) = try #require(events.first) else { return "" }
        #expect(!detail.isEmpty)
        return detail
    }

    @Test(
        arguments: [
            ("core.example.com", nil), ("core.example.com.", nil), ("CORE.example.com", nil),
            ("a.wild.example.com", nil), ("127.0.0.1", nil),
            ("example.com", .wrongName), ("a.b.wild.example.com", .wrongName), ("core.example.org", .wrongName),
            ("partial1.example.com", .wrongName), ("127.0.0.2", .wrongName), ("::1", .wrongName),
        ] as [(String, TLSFailure.Handshake?)],
        TLSVersion.allCases
    )
    func theCertificateIsForTheHost(host: (name: String, failure: TLSFailure.Handshake?), version: TLSVersion) throws {
        let authority = try CertificateAuthority()
        let identity = try authority.issue(dnsNames: ["core.example.com", "*.wild.example.com", "partial*.example.com"])
        let failure = try failure(host: host.name, trusted: authority, identity: identity, version: version)
        #expect(failure == host.failure)
    }

    /// Otherwise a DNS name in a certificate could stand for an address.
    @Test func anAddressInADNSNameIsNoAddress() throws {
        let authority = try CertificateAuthority()
        let identity = try authority.issue(dnsNames: ["127.0.0.1"], addresses: [])
        #expect(try failure(host: "127.0.0.1", trusted: authority, identity: identity) == .wrongName)
    }

    @Test(arguments: TLSVersion.allCases)
    func anUnknownAuthorityIsNotTrusted(version: TLSVersion) throws {
        let identity = try CertificateAuthority(commonName: "other").issue()
        let trusted = try CertificateAuthority()
        #expect(try failure(host: "localhost", trusted: trusted, identity: identity, version: version) == .untrusted)
        // The same name with another key.
        let impostor = try CertificateAuthority().issue()
        #expect(try failure(host: "localhost", trusted: trusted, identity: impostor, version: version) == .untrusted)
    }

    @Test func theSystemDoesNotTrustADevelopmentAuthority() throws {
        let server = try TLSPeer(TLSHandler(server: TLSServerContext(CertificateAuthority().issue())))
        let client = try TLSPeer(TLSHandler(client: TLSClientContext(), host: "localhost"))
        try client.activate()
        try server.activate()
        try server.arrive(client.takeSent())
        try client.arrive(server.takeSent())
        guard case .failure(.handshake(.untrusted, _)) = client.application.events.first else {
            Issue.record("the certificate is trusted: \(client.application.events)")
            return
        }
    }

    @Test(arguments: [(-7_200.0, -3_600.0), (3_600.0, 7_200.0)])
    func theCertificateHasToBeValidNow(start: Double, end: Double) throws {
        let authority = try CertificateAuthority()
        let now = Date()
        let identity = try authority.issue(validity: now.addingTimeInterval(start)..<now.addingTimeInterval(end))
        #expect(try failure(host: "localhost", trusted: authority, identity: identity) == .expired)
    }

    @Test func severalAuthoritiesCanBeTrusted() throws {
        let authorities = try (0..<3).map { try CertificateAuthority(commonName: "authority \($0)") }
        let context = try TLSClientContext(authoritiesPEM: authorities.flatMap { Array($0.certificatePEM.utf8) })
        for authority in authorities {
            let client = try TLSPeer(TLSHandler(client: context, host: "localhost"))
            let server = try TLSPeer(TLSHandler(server: TLSServerContext(authority.issue())))
            try client.activate()
            try server.activate()
            try server.arrive(client.takeSent())
            try client.arrive(server.takeSent())
            #expect(client.application.events == [.handshakeCompleted])
        }
    }

    @Test(arguments: [("localhost", "localhost"), ("localhost.", "localhost"), ("127.0.0.1", nil)])
    func onlyADNSNameIsSentToTheServer(host: String, sent: String?) throws {
        let authority = try CertificateAuthority()
        let pair = try TLSPair(host: host, trusted: authority, server: TLSServerContext(authority.issue()))
        try pair.activate()
        try pair.exchange()
        let name = SSL_get_servername(pair.server.handler.session.pointer, TLSEXT_NAMETYPE_host_name)
        #expect(name.map { String(cString: $0) } == sent)
    }

    @Test func theProtocolIsHTTP1() throws {
        let pair = try TLSPair.connected()
        var (bytes, count): (UnsafePointer<UInt8>?, UInt32) = (nil, 0)
        SSL_get0_alpn_selected(pair.client.handler.session.pointer, &bytes, &count)
        #expect(UnsafeBufferPointer(start: bytes, count: Int(count)).elementsEqual("http/1.1".utf8))
    }

    // MARK: Peers that speak no TLS, or an old one

    @Test func aServerThatSpeaksPlainHTTPFailsTheHandshake() throws {
        let client = try TLSPeer(TLSHandler(client: TLSClientContext(), host: "localhost"))
        try client.activate()
        try client.arrive(Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8))
        let failure = ApplicationEvent.failure(.handshake(.other, detail: ""))
        #expect(client.application.events.withoutDetails == [failure, .inactive])
    }

    @Test func aClientThatSpeaksPlainHTTPFailsTheHandshake() throws {
        let server = try TLSPeer(TLSHandler(server: TLSServerContext(CertificateAuthority().issue())))
        try server.activate()
        try server.arrive(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        let failure = ApplicationEvent.failure(.handshake(.other, detail: ""))
        #expect(server.application.events.withoutDetails == [failure, .inactive])
    }

    @Test func aServerWithoutTLS12IsRefused() throws {
        let authority = try CertificateAuthority()
        let context = try TLSServerContext(authority.issue())
        // TLS 1.1, with the digests that it needs.
        let tls11 = 0x0302
        SSL_CTX_ctrl(context.pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, tls11, nil)
        SSL_CTX_ctrl(context.pointer, SSL_CTRL_SET_MAX_PROTO_VERSION, tls11, nil)
        SSL_CTX_set_security_level(context.pointer, 0)
        let pair = try TLSPair(trusted: authority, server: context)
        try pair.activate()
        try pair.exchange()
        #expect(
            pair.client.application.events == [
                .failure(.handshake(.other, detail: "tlsv1 alert protocol version")), .inactive,
            ]
        )
        #expect(
            pair.server.application.events == [.failure(.handshake(.other, detail: "unsupported protocol")), .inactive]
        )
    }

    @Test func aConnectionThatEndsInTheHandshakeFailsIt() throws {
        let authority = try CertificateAuthority()
        let pair = try TLSPair(trusted: authority, server: TLSServerContext(authority.issue()))
        try pair.activate()
        let promise = pair.client.channel.eventLoop.makePromise(of: Void.self)
        let sent = Outcomes([promise])
        pair.client.send([1], promise: promise)
        pair.client.connection.end()
        let failure = TLSFailure.handshake(.other, detail: "the peer closed the connection")
        #expect(pair.client.application.events == [.failure(failure), .inactive])
        #expect(sent.errors.first as? TLSFailure == failure)
    }

    @Test func aHandlerThatIsAddedToAnOpenConnectionBeginsTheHandshake() throws {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish() }
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.pipeline.syncOperations.addHandler(TLSHandler(client: TLSClientContext(), host: "localhost"))
        let hello = try channel.readOutbound(as: ByteBuffer.self)
        // The type of a handshake record.
        #expect(hello?.readableBytesView.first == 22)
    }

    // MARK: Configuration

    @Test(arguments: ["", ".", ".example.com", "example.com\0.example.org", "\0", String(repeating: "a", count: 256)])
    func aHostThatLibsslWouldNotVerifyIsRefused(host: String) throws {
        let context = try TLSClientContext()
        #expect {
            try TLSHandler(client: context, host: host)
        } throws: {
            if case TLSFailure.unusable = $0 { true } else { false }
        }
    }

    @Test func unreadableCertificatesAndKeysAreRefused() throws {
        let authority = try CertificateAuthority()
        let (one, other) = (try authority.issue(), try authority.issue())
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        for authorities in ["", "no certificate", broken, one.privateKeyPEM, authority.certificatePEM + broken] {
            #expect(throws: TLSFailure.self) { try TLSClientContext(authoritiesPEM: Array(authorities.utf8)) }
        }
        for (certificate, key) in [
            ("", one.privateKeyPEM), (one.certificatePEM, ""), (one.certificatePEM, other.privateKeyPEM),
            (broken, one.privateKeyPEM),
        ] {
            #expect(throws: TLSFailure.self) {
                try TLSServerContext(certificatePEM: Array(certificate.utf8), privateKeyPEM: Array(key.utf8))
            }
        }
    }
}
