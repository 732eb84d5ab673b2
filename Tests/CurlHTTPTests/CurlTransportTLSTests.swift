import CurlHTTP
import DevelopmentCertificates
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Hummingbird
import TestPeers
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct CurlTransportTLSTests {
    private static let respond: HTTPSPeer.Responder = { _, _ in Response(status: .ok) }

    /// The kind of the error of one request; `nil` for a response.
    private func outcome(
        _ peer: HTTPSPeer.Configuration,
        _ tls: CurlHTTP.TLSConfiguration,
        timeout: Duration? = .seconds(60)
    ) async throws -> TransportError.Kind? {
        try await HTTPSPeer.run(peer, responder: Self.respond) { peer in
            try await withTransport(.init(tls: tls)) { transport in
                await kindOfError {
                    let request = request(to: peer.authority, timeout: timeout, headTimeout: .seconds(60))
                    _ = try await transport.collect(request, maxBodyBytes: 0)
                }
            }
        }
    }

    @Test(arguments: [HTTPSPeer.Protocols.http1, .http2], [Duration.seconds(60), nil])
    func aTrustedPeerIsTrusted(protocols: HTTPSPeer.Protocols, timeout: Duration?) async throws {
        let certificates = try CertificateAuthority()
        let peer = HTTPSPeer.Configuration(protocols, identity: try certificates.issue())
        #expect(try await outcome(peer, .trusting(certificates), timeout: timeout) == nil)
    }

    @Test func anUnknownAuthorityIsATLSError() async throws {
        let identity = try CertificateAuthority().issue()
        #expect(try await outcome(.init(.http2, identity: identity), .trusting(CertificateAuthority())) == .tls)
        #expect(try await outcome(.init(.http2, identity: identity), .init()) == .tls)
    }

    @Test func anExpiredCertificateIsATLSError() async throws {
        let certificates = try CertificateAuthority()
        let now = Date()
        let validity = now.addingTimeInterval(-7_200)..<now.addingTimeInterval(-3_600)
        let peer = HTTPSPeer.Configuration(.http2, identity: try certificates.issue(validity: validity))
        #expect(try await outcome(peer, .trusting(certificates)) == .tls)
    }

    @Test func aCertificateForAnotherNameIsATLSError() async throws {
        let certificates = try CertificateAuthority()
        let identity = try certificates.issue(dnsNames: ["kubernetes"], addresses: [[127, 0, 0, 2]])
        #expect(try await outcome(.init(.http2, identity: identity), .trusting(certificates)) == .tls)
    }

    @Test func theServerNameIsVerifiedInsteadOfTheHost() async throws {
        let certificates = try CertificateAuthority()
        let identity = try certificates.issue(dnsNames: ["kubernetes"], addresses: [])
        var tls = CurlHTTP.TLSConfiguration.trusting(certificates)
        tls.serverName = "kubernetes"
        #expect(try await outcome(.init(.http2, identity: identity), tls) == nil)
        tls.serverName = "elsewhere"
        #expect(try await outcome(.init(.http2, identity: identity), tls) == .tls)
    }

    @Test func verificationCanBeSkipped() async throws {
        let identity = try CertificateAuthority().issue(dnsNames: ["elsewhere"], addresses: [])
        #expect(try await outcome(.init(.http2, identity: identity), .init(insecureSkipVerify: true)) == nil)
    }

    @Test func olderVersionsThanTLS12AreRefused() async throws {
        let certificates = try CertificateAuthority()
        let identity = try certificates.issue()
        let tls = CurlHTTP.TLSConfiguration.trusting(certificates)
        #expect(try await outcome(.init(.http1, identity: identity, tlsVersions: 1...1), tls) == .tls)
        #expect(try await outcome(.init(.http1, identity: identity, tlsVersions: 2...2), tls) == nil)
    }

    @Test(arguments: [2...2, 3...3])
    func aClientCertificateFromMemoryIsPresented(tlsVersions: ClosedRange<Int>) async throws {
        let (certificates, clients) = (try CertificateAuthority(), try CertificateAuthority(commonName: "clients"))
        let peer = HTTPSPeer.Configuration(
            .http2,
            identity: try certificates.issue(),
            clientAuthorityPEM: clients.certificatePEM,
            tlsVersions: tlsVersions
        )
        var tls = CurlHTTP.TLSConfiguration.trusting(certificates)
        tls.clientIdentity = try clients.issue(commonName: "gateway").client
        let kind = try await outcome(peer, tls)
        #expect(kind == nil)
        // In TLS 1.3 the refusal follows the handshake, and the reset after it may arrive first.
        let refusals: Set<TransportError.Kind?> = tlsVersions == 2...2 ? [.tls] : [.tls, .protocolViolation]
        for refused in [try certificates.issue(commonName: "stranger").client, nil] {
            tls.clientIdentity = refused
            let kind = try await outcome(peer, tls)
            #expect(refusals.contains(kind))
        }
    }

    @Test func unreadableKeysAndAuthoritiesAreTLSErrors() async throws {
        let certificates = try CertificateAuthority()
        let peer = HTTPSPeer.Configuration(.http1, identity: try certificates.issue())
        var tls = CurlHTTP.TLSConfiguration.trusting(certificates)
        tls.clientIdentity = .init(certificatePEM: Array("no".utf8), privateKeyPEM: Array("PEM".utf8))
        #expect(try await outcome(peer, tls) == .tls)
        #expect(try await outcome(peer, .init(caPEM: Array("no PEM".utf8))) == .tls)
    }

    @Test func descriptionsHideKeysAndProxies() throws {
        let identity = try CertificateAuthority().issue().client
        let configuration = CurlConfiguration(
            tls: .init(clientIdentity: identity),
            proxy: "http://user:secret@proxy"
        )
        #expect(!String(reflecting: configuration).contains("secret"))
        #expect(String(reflecting: identity) == "ClientIdentity(redacted)")
    }
}
