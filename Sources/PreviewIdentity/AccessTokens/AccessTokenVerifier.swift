public import FoundationEssentials
public import PreviewDomain

/// Recognises the platform's users by their access tokens: JSON Web Tokens of one issuer for one audience.
public struct AccessTokenVerifier: CredentialVerifier {
    private let issuer: String
    private let audience: String
    private let keys: any VerificationKeySource
    private let now: @Sendable () -> Date

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
    }

    public func verify(_ bearer: Secret) async throws(AccessDenied) -> CredentialVerdict {
        // Who another issuer's tokens belong to is for others to say.
        guard let token = JSONWebToken(bearer.value), token.claims(IssuerClaim.self)?.iss == issuer else {
            return .notRecognized
        }
        guard !token.header.isCritical,
            let keyID = token.header.keyID, !keyID.isEmpty,
            VerificationKey.algorithms.contains(token.header.algorithm),
            let key = try await keys.key(named: keyID),
            key.signed(token),
            let claims = token.claims(AccessTokenClaims.self),
            claims.hold(issuer: issuer, audience: audience, now: now())
        else { return .rejected }
        return .accepted(
            Caller(identity: claims.subject, role: .user, names: claims.names, bearer: bearer)
        )
    }
}
