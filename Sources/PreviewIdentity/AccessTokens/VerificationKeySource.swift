public import OpenSSLKit

/// Where the public keys of an issuer of access tokens are.
public protocol VerificationKeySource: Sendable {
    /// The key of this name (`kid`); `nil` when the issuer has none.
    ///
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` when the issuer cannot be asked.
    func key(named keyID: String) async throws(AccessDenied) -> PublicKey?
}

/// One key that has no name of its own, and so is every name's.
public struct SingleVerificationKey: VerificationKeySource {
    private let key: PublicKey

    public init(_ key: PublicKey) {
        self.key = key
    }

    public func key(named keyID: String) async throws(AccessDenied) -> PublicKey? { key }
}
