public import Basics
public import FoundationEssentials
internal import OpenSSLKit
public import PreviewDomain

/// Recognises the platform's users by their access tokens: JSON Web Tokens of one issuer for one audience.
///
/// A token that was verified is remembered by its digest, so that the next request with it costs no signature
/// (Docs/Decisions/0020). What can change meanwhile is looked at every time: whether the key is still the issuer's, and
/// whether the token's time is over.
public struct AccessTokenVerifier: CredentialVerifier {
    /// The most verified tokens that are remembered, and for how long at most.
    public static let maxRememberedTokens = 4096
    public static let maxMemory = Duration.seconds(3600)

    /// A token with a good signature.
    private struct Verified: Sendable {
        let keyID: String
        let key: PublicKey
        let claims: AccessTokenClaims
    }

    private let issuer: String
    private let audience: String
    private let keys: any VerificationKeySource
    private let now: @Sendable () -> Date
    private let verified: ExpiringCache<BearerDigest, Verified>

    /// The claim that says whose a token claims to be.
    private struct IssuerClaim: Decodable {
        let iss: String
    }

    /// - Parameters:
    ///   - issuer: The exact claim `iss`.
    ///   - audience: What the claim `aud` must contain.
    ///   - keys: The issuer's public keys.
    ///   - now: The time.
    public init(
        issuer: String,
        audience: String,
        keys: any VerificationKeySource,
        now: @escaping @Sendable () -> Date
    ) {
        self.issuer = issuer
        self.audience = audience
        self.keys = keys
        self.now = now
        verified = ExpiringCache(maxEntries: Self.maxRememberedTokens) { .seconds(now().timeIntervalSince1970) }
    }

    public func verify(_ bearer: Secret) async throws(AccessDenied) -> CredentialVerdict {
        let digest = BearerDigest(bearer)
        if let known = verified[digest], let key = try await keys.key(named: known.keyID), key == known.key {
            return verdict(on: known.claims, of: bearer)
        }
        // Who another issuer's tokens belong to is for others to say.
        guard let token = JSONWebToken(bearer.value), token.claims(IssuerClaim.self)?.iss == issuer else {
            return .notRecognized
        }
        guard !token.header.isCritical,
            let keyID = token.header.keyID, !keyID.isEmpty,
            PublicKey.Algorithm(rawValue: token.header.algorithm) != nil,
            let key = try await keys.key(named: keyID),
            token.isSigned(by: key),
            let claims = token.claims(AccessTokenClaims.self)
        else { return .rejected }
        verified.insert(Verified(keyID: keyID, key: key, claims: claims), for: digest, lifetime: Self.maxMemory)
        return verdict(on: claims, of: bearer)
    }

    private func verdict(on claims: AccessTokenClaims, of bearer: Secret) -> CredentialVerdict {
        guard claims.hold(issuer: issuer, audience: audience, now: now()) else { return .rejected }
        return .accepted(Caller(identity: claims.subject, role: .user, names: claims.names, bearer: bearer))
    }
}
