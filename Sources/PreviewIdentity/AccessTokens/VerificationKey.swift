internal import JWTKit

/// A public key of an issuer of access tokens: RSA of at least 2048 bits for RS256, or P-256 for ES256 (RFC 7518, 3.1).
public struct VerificationKey: Sendable {
    /// The only algorithms that are accepted, whatever a token's header asks for.
    static let algorithms: Set<String> = ["RS256", "ES256"]

    /// Which reading of a key this is: keys cannot be compared.
    private final class Identity: Sendable {}

    private let algorithm: any JWTAlgorithm
    private let identity = Identity()

    /// Reads a public key or a certificate in PEM.
    ///
    /// - Throws: ``UnusableVerificationKey``.
    public init(pem: String) async throws {
        guard !pem.contains("PRIVATE KEY-----") else { throw UnusableVerificationKey.privateKey }
        if let key = (try? Insecure.RSA.PublicKey(pem: pem)) ?? (try? Insecure.RSA.PublicKey(certificatePEM: pem)) {
            try await self.init(key)
        } else if let key = (try? ES256PublicKey(pem: pem)) ?? (try? ES256PublicKey(certificate: pem)) {
            try await self.init(key)
        } else {
            throw UnusableVerificationKey.unsupported
        }
    }

    init(_ key: Insecure.RSA.PublicKey) async throws {
        algorithm = try await JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256).getKey()
    }

    init(_ key: ES256PublicKey) async throws {
        algorithm = try await JWTKeyCollection().add(ecdsa: key).getKey()
    }

    /// Whether both were read at the same time from the same place. What was verified with one holds for the other.
    func isSame(as other: VerificationKey) -> Bool { identity === other.identity }

    /// Whether the token's signature is this key's. A key serves one algorithm only, so that none can be confused with
    /// another.
    func signed(_ token: JSONWebToken) -> Bool {
        guard token.header.algorithm == algorithm.name else { return false }
        return (try? algorithm.verify(token.signature, signs: token.signingInput)) ?? false
    }
}

/// Why a text gives no key for access tokens.
public enum UnusableVerificationKey: Error, Hashable, CustomStringConvertible {
    /// It is the secret half, which only the issuer may have.
    case privateKey
    case unsupported

    public var description: String {
        switch self {
        case .privateKey: "it holds a private key, expected the public one"
        case .unsupported: "expected a public key or a certificate in PEM, RSA of at least 2048 bits or P-256"
        }
    }
}

/// Where the public keys of an issuer are.
public protocol VerificationKeySource: Sendable {
    /// The key of this name (`kid`); `nil` when the issuer has none.
    ///
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` when the issuer cannot be asked.
    func key(named keyID: String) async throws(AccessDenied) -> VerificationKey?
}

/// One key that has no name of its own, and so is every name's.
public struct SingleVerificationKey: VerificationKeySource {
    private let key: VerificationKey

    public init(_ key: VerificationKey) {
        self.key = key
    }

    public func key(named keyID: String) async throws(AccessDenied) -> VerificationKey? { key }
}
