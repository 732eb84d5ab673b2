internal import COpenSSL
public import FoundationEssentials

/// A certificate authority whose key exists only in this process, and the certificates that it issues.
public struct CertificateAuthority: Sendable {
    /// A certificate with its private key, both in PEM.
    public struct Identity: Sendable {
        public let certificatePEM: String
        /// The private key. A secret.
        public let privateKeyPEM: String
    }

    /// A certificate cannot be created, for example because a name in it cannot be encoded.
    public struct Refused: Error, CustomStringConvertible {
        public let description = "a certificate could not be created"
    }

    /// The certificate of the authority, in PEM.
    public let certificatePEM: String

    private let key = PrivateKey()
    private let name: String

    /// Creates an authority with a new key.
    ///
    /// - Throws: ``Refused`` if the name cannot be encoded.
    public init(commonName: String = "development authority") throws {
        name = commonName
        certificatePEM = try Self.certificate(
            of: key,
            named: commonName,
            issuer: (commonName, key),
            validity: Self.today,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"), (NID_key_usage, "critical,keyCertSign"),
                (NID_subject_key_identifier, "hash"),
            ]
        )
    }

    /// Issues a certificate with a new key, for servers and clients.
    ///
    /// - Parameters:
    ///   - commonName: The subject's common name.
    ///   - dnsNames: The DNS names for which it is valid.
    ///   - addresses: The IPv4 addresses for which it is valid, four bytes each.
    ///   - validity: The validity period; from an hour ago to 30 days from now if `nil`.
    /// - Throws: ``Refused`` if a name or an address cannot be encoded.
    public func issue(
        commonName: String = "development",
        dnsNames: [String] = ["localhost"],
        addresses: [[UInt8]] = [[127, 0, 0, 1]],
        validity: Range<Date>? = nil
    ) throws -> Identity {
        let key = PrivateKey()
        var extensions = [
            (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
            (NID_ext_key_usage, "serverAuth,clientAuth"),
        ]
        let names =
            dnsNames.map { "DNS:\($0)" } + addresses.map { "IP:" + $0.map(String.init).joined(separator: ".") }
        if !names.isEmpty { extensions.append((NID_subject_alt_name, names.joined(separator: ","))) }
        let certificate = try Self.certificate(
            of: key,
            named: commonName,
            issuer: (name, self.key),
            validity: validity ?? Self.today,
            extensions: extensions
        )
        return Identity(certificatePEM: certificate, privateKeyPEM: key.privateKeyPEM)
    }

    private static func certificate(
        of key: PrivateKey,
        named name: String,
        issuer: (name: String, key: PrivateKey),
        validity: Range<Date>,
        extensions: [(nid: Int32, value: String)]
    ) throws(Refused) -> String {
        guard let certificate = X509_new(), let serial = BN_new() else { throw Refused() }
        defer {
            X509_free(certificate)
            BN_free(serial)
        }
        guard X509_set_version(certificate, Int(X509_VERSION_3)) == 1,
            BN_rand(serial, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1,
            BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != nil,
            ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(validity.lowerBound)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(validity.upperBound)) != nil,
            setCommonName(name, of: X509_get_subject_name(certificate)),
            setCommonName(issuer.name, of: X509_get_issuer_name(certificate)),
            X509_set_pubkey(certificate, key.pointer) == 1
        else { throw Refused() }
        for (nid, value) in extensions {
            guard let one = copenssl_extension(certificate, certificate, nid, value) else { throw Refused() }
            defer { X509_EXTENSION_free(one) }
            guard X509_add_ext(certificate, one, -1) == 1 else { throw Refused() }
        }
        guard X509_sign(certificate, issuer.key.pointer, EVP_sha256()) > 0 else { throw Refused() }
        return pem { PEM_write_bio_X509($0, certificate) }
    }

    private static func setCommonName(_ name: String, of subject: OpaquePointer?) -> Bool {
        let bytes = Array(name.utf8)
        return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes, Int32(bytes.count), -1, 0) == 1
    }

    private static func seconds(_ date: Date) -> Int { Int(date.timeIntervalSince1970) }

    /// The default validity period. TLS libraries use the real clock; the hour in the past is for clients whose clocks are
    /// behind.
    private static var today: Range<Date> {
        let now = Date()
        return now.addingTimeInterval(-3_600)..<now.addingTimeInterval(30 * 86_400)
    }
}
