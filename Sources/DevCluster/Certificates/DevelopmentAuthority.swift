import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A certificate authority that lives as long as the process, and the server certificates that it issues.
package struct DevelopmentAuthority: Sendable {
    /// A certificate with its key, in PEM.
    package struct Identity: Sendable {
        package let certificatePEM: String
        /// A secret.
        package let privateKeyPEM: String
    }

    /// The authority's own certificate, in PEM.
    package let certificatePEM: String

    private let key: P256.Signing.PrivateKey
    private let name: DistinguishedName

    /// How long certificates are valid.
    private static let validity: TimeInterval = 30 * 86_400

    /// Makes an authority with a new key.
    package init() throws {
        key = P256.Signing.PrivateKey()
        name = try DistinguishedName { CommonName("preview-devcluster authority") }
        let now = Date()
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: now.addingTimeInterval(-3600),
            notValidAfter: now.addingTimeInterval(Self.validity),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
            },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        certificatePEM = try certificate.serializeAsPEM().pemString
    }

    /// Issues a certificate for a server.
    ///
    /// - Parameters:
    ///   - dnsNames: The names by which clients may call it.
    ///   - addresses: The IPv4 addresses by which they may, four bytes each.
    package func issue(dnsNames: [String], addresses: [[UInt8]]) throws -> Identity {
        let key = P256.Signing.PrivateKey()
        let names =
            dnsNames.map(GeneralName.dnsName)
            + addresses.map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0[...])) }
        let now = Date()
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: now.addingTimeInterval(-3600),
            notValidAfter: now.addingTimeInterval(Self.validity),
            issuer: name,
            subject: DistinguishedName { CommonName(dnsNames.first ?? "preview-devcluster") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(names)
            },
            issuerPrivateKey: Certificate.PrivateKey(self.key)
        )
        return Identity(
            certificatePEM: try certificate.serializeAsPEM().pemString,
            privateKeyPEM: key.pemRepresentation
        )
    }
}
