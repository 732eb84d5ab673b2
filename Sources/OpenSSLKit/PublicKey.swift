/// A public key that verifies signatures with libcrypto: RSA for RS256, or P-256 for ES256 (RFC 7518 section 3.1).
///
/// A key is used for one algorithm only, which prevents algorithm confusion (RFC 8725 section 3.1).
public struct PublicKey: Sendable {
    /// A signature algorithm of JSON Web Signatures, with the value of the header parameter `alg`.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).
        case rs256 = "RS256"
        /// ECDSA on P-256 with SHA-256. The signature consists of r and s, 32 bytes each (RFC 7518 section 3.4).
        case es256 = "ES256"
    }

    /// The accepted lengths of RSA moduli, in bits. RFC 7518 requires at least 2048; the upper bound limits the time of a
    /// verification.
    public static let rsaBits = 2048...8192

    public let algorithm: Algorithm
    private let key: EVPKey

    /// - Throws: ``PublicKeyError/unsupported`` if the key has another type, or is too weak or too long.
    init(_ key: EVPKey) throws(PublicKeyError) {
        self.key = key
        algorithm = try key.algorithm()
    }

    /// Whether `signature` is a valid signature of `message` by this key.
    ///
    /// - Parameter signature: The signature in the format of JSON Web Signatures; for ES256 this is not DER.
    public func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        switch algorithm {
        case .rs256:
            return key.verifies(signature, of: message)
        case .es256:
            guard signature.count == 2 * Self.coordinateBytes else { return false }
            let (r, s) = (signature.prefix(Self.coordinateBytes), signature.suffix(Self.coordinateBytes))
            return key.verifies(DER.sequence(DER.integer(r), DER.integer(s)), of: message)
        }
    }
}

extension PublicKey: Equatable {
    /// Whether both are the same key, independent of the formats from which they were read.
    public static func == (left: PublicKey, right: PublicKey) -> Bool { left.key.isSame(as: right.key) }
}

/// The reason for which a public key cannot be used.
public enum PublicKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text contains neither a public key nor a certificate in PEM, or the numbers are not a key.
    case unreadable
    /// The key is neither RSA with a length within ``PublicKey/rsaBits`` nor P-256.
    case unsupported
    /// The text contains a private key, which only the signer may have.
    case privateKey

    /// One sentence for a log line.
    public var description: String {
        switch self {
        case .unreadable: "expected a public key or a certificate in PEM"
        case .unsupported:
            "expected an RSA key of \(PublicKey.rsaBits.lowerBound) to \(PublicKey.rsaBits.upperBound) bits, or a P-256 key"
        case .privateKey: "contains a private key; expected a public key"
        }
    }
}
