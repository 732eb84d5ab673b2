import DevelopmentCertificates
import Testing

@testable import OpenSSLKit

@Suite("Server certificates", .timeLimit(.minutes(1)))
struct ServerCertificateTests {
    @Test(arguments: [
        ("a-preview.example.com", true), ("a.b.example.com", false), ("example.com", false),
        ("a-preview.example.org", false),
    ])
    func aWildcardCoversOneLabel(host: String, covers: Bool) throws {
        let pem = Array(try CertificateAuthority().issue(dnsNames: ["*.example.com"]).certificatePEM.utf8)
        let certificate = try #require(ServerCertificate(pem: pem, host: host))
        #expect(certificate.coversHost == covers)
        #expect(certificate.notBeforeSeconds < certificate.notAfterSeconds)
    }

    @Test func theFirstCertificateOfAChainCounts() throws {
        let authority = try CertificateAuthority()
        let chain = try authority.issue(dnsNames: ["one.example.com"]).certificatePEM + authority.certificatePEM
        #expect(ServerCertificate(pem: Array(chain.utf8), host: "one.example.com")?.coversHost == true)
    }

    @Test(arguments: ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func textWithoutACertificateHasNone(text: String) {
        #expect(ServerCertificate(pem: Array(text.utf8), host: "example.com") == nil)
    }

    @Test func anEncryptedTextHasNoneWithoutAPasswordPrompt() {
        let pem = """
            -----BEGIN CERTIFICATE-----
            Proc-Type: 4,ENCRYPTED
            DEK-Info: AES-256-CBC,00000000000000000000000000000000

            MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmiehPdB4j5/dGkAo+1j4iuAcb0N/
            -----END CERTIFICATE-----
            """
        #expect(ServerCertificate(pem: Array(pem.utf8), host: "example.com") == nil)
    }

    @Test func aPortWithoutAListenerHasNoCertificate() {
        // Nothing listens on port 1 of the loopback interface.
        #expect(ServerCertificate.presented(at: "127.0.0.1:1", host: "example.com") == nil)
    }
}
