import Crypto
public import FoundationEssentials
import SwiftASN1
import X509

/// A certificate authority made for one test, and the identities that it issues.
public struct TestCertificates: Sendable {
    /// A certificate with its key, both in PEM.
    public struct Identity: Sendable {
        public let certificatePEM: String
        public let privateKeyPEM: String
    }

    /// The authority's own certificate, in PEM.
    public let authorityPEM: String

    private let key = P256.Signing.PrivateKey()
    private let name: DistinguishedName

    /// Makes an authority.
    public init(commonName: String = "test authority") throws {
        name = try DistinguishedName { CommonName(commonName) }
        let key = Certificate.PrivateKey(key)
        let validity = Self.today
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: validity.lowerBound,
            notValidAfter: validity.upperBound,
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            },
            issuerPrivateKey: key
        )
        authorityPEM = try certificate.serializeAsPEM().pemString
    }

    /// Issues an identity for servers and clients.
    ///
    /// - Parameters:
    ///   - commonName: The subject.
    ///   - dnsNames: The DNS names that it is valid for.
    ///   - addresses: The IPv4 addresses that it is valid for, four bytes each.
    ///   - validity: When it is valid; around now if left out.
    public func identity(
        commonName: String = "test",
        dnsNames: [String] = ["localhost"],
        addresses: [[UInt8]] = [[127, 0, 0, 1]],
        validity: Range<Date>? = nil
    ) throws -> Identity {
        let key = P256.Signing.PrivateKey()
        let validity = validity ?? Self.today
        let names =
            dnsNames.map { GeneralName.dnsName($0) }
            + addresses.map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0[...])) }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: validity.lowerBound,
            notValidAfter: validity.upperBound,
            issuer: name,
            subject: DistinguishedName { CommonName(commonName) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames(names)
            },
            issuerPrivateKey: Certificate.PrivateKey(self.key)
        )
        return Identity(
            certificatePEM: try certificate.serializeAsPEM().pemString,
            privateKeyPEM: key.pemRepresentation
        )
    }

    /// A validity around now: TLS libraries judge by the real clock.
    private static var today: Range<Date> {
        let now = Date()
        return now.addingTimeInterval(-3_600)..<now.addingTimeInterval(86_400)
    }
}
