/// A public key that verifies signatures with libcrypto: RSA for RS256, or P-256 for ES256 (RFC 7518, 3.1).
///
/// A key serves one algorithm only, so that none can be confused with another.
public struct PublicKey: Sendable {
    /// A signature algorithm of JSON Web Signatures, by its name in the header `alg`.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3).
        case rs256 = "RS256"
        /// ECDSA on P-256 with SHA-256; the signature is r and s, 32 bytes each (RFC 7518, 3.4).
        case es256 = "ES256"
    }

    /// The lengths of RSA moduli that are accepted: RFC 7518 demands 2048 bits, and longer keys cost more than they give.
    public static let rsaBits = 2048...8192

    public let algorithm: Algorithm
    private let key: EVPKey

    /// - Throws: ``PublicKeyError`` where the key is of another kind or too weak.
    init(_ key: EVPKey) throws(PublicKeyError) {
        self.key = key
        algorithm = try key.algorithm()
    }

    /// Whether `signature` is this key's signature of `message`.
    ///
    /// - Parameter signature: In the form of JSON Web Signatures, so for ES256 not in DER.
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
    /// Whether both are the same key, wherever they were read from.
    public static func == (left: PublicKey, right: PublicKey) -> Bool { left.key.isSame(as: right.key) }
}

/// Why a public key cannot be used.
public enum PublicKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text is no public key and no certificate in PEM, or the numbers are no key.
    case unreadable
    /// It is neither RSA of a length within ``PublicKey/rsaBits`` nor P-256.
    case unsupported
    /// It holds the secret half, which only the signer may have.
    case privateKey

    /// One sentence for a log line.
    public var description: String {
        switch self {
        case .unreadable: "expected a public key or a certificate in PEM"
        case .unsupported:
            "expected an RSA key of \(PublicKey.rsaBits.lowerBound) to \(PublicKey.rsaBits.upperBound) bits, or a P-256 key"
        case .privateKey: "it holds a private key, expected the public one"
        }
    }
}
