public import Basics
public import FoundationEssentials
public import OpenSSLKit

/// Authenticates the platform's users by their access tokens: JSON Web Tokens of one issuer for one audience.
///
/// A verified token is cached by its digest, so that the next request with it needs no verification of the signature
/// (Docs/Decisions/0020). Everything that can change is checked every time: whether the issuer still has the key, and
/// whether the token is still valid.
public struct AccessTokenVerifier: CredentialVerifier {
    /// The largest number of cached tokens, and the longest time for which they are cached.
    public static let maxCachedTokens = 4096
    public static let maxCacheLifetime = Duration.seconds(3600)

    /// A token with a valid signature.
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

    /// The issuer that a token names.
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
        verified = ExpiringCache(maxEntries: Self.maxCachedTokens) { .seconds(now().timeIntervalSince1970) }
    }

    public func verify(_ bearer: Secret) async throws(AccessDenied) -> VerificationResult {
        let digest = BearerDigest(bearer)
        if let known = verified[digest], let key = try await keys.key(named: known.keyID), key == known.key {
            return result(for: known.claims, of: bearer)
        }
        // Tokens of another issuer are left to other verifiers.
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
        verified.insert(Verified(keyID: keyID, key: key, claims: claims), for: digest, lifetime: Self.maxCacheLifetime)
        return result(for: claims, of: bearer)
    }

    private func result(for claims: AccessTokenClaims, of bearer: Secret) -> VerificationResult {
        guard claims.areValid(issuer: issuer, audience: audience, now: now()) else { return .rejected }
        return .accepted(Caller(identity: claims.subject, role: .user, names: claims.names, bearer: bearer))
    }
}

/// The claims of an access token (RFC 7519, 4.1).
struct AccessTokenClaims: Decodable {
    /// The tolerated difference between the issuer's clock and this one.
    static let leeway: TimeInterval = 60

    /// The longest name of a user, in bytes.
    static let maxNameBytes = 256

    let issuer: String
    let audiences: [String]
    let subject: String
    let expiry: Double
    let notBefore: Double?
    /// The user's name on GitHub, if the issuer knows it.
    let login: String?

    private enum CodingKeys: String, CodingKey {
        case issuer = "iss"
        case audiences = "aud"
        case subject = "sub"
        case expiry = "exp"
        case notBefore = "nbf"
        case login = "gh_login"
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        issuer = try members.decode(String.self, forKey: .issuer)
        audiences = try members.decode(AudienceList.self, forKey: .audiences).values
        subject = try members.decode(String.self, forKey: .subject)
        expiry = try members.decode(Double.self, forKey: .expiry)
        notBefore = try members.decodeIfPresent(Double.self, forKey: .notBefore)
        login = try members.decodeIfPresent(String.self, forKey: .login)
    }

    /// Whether the token is meant for `audience`, comes from `issuer`, is valid `now`, and names a user.
    func areValid(issuer: String, audience: String, now: Date) -> Bool {
        let seconds = now.timeIntervalSince1970
        return self.issuer == issuer && audiences.contains(audience)
            && seconds < expiry + Self.leeway
            && (notBefore.map { $0 - Self.leeway <= seconds } ?? true)
            && names.allSatisfy(Self.isName)
    }

    /// A name is shown to people and written into logs, so it must be one line.
    private static func isName(_ text: String) -> Bool {
        (1...maxNameBytes).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// The names of the user.
    var names: Set<String> { login.map { [subject, $0] } ?? [subject] }
}

/// The claim `aud`: a string or a list of strings, which may be empty (RFC 7519, 4.1.3).
struct AudienceList: Decodable {
    let values: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let one = try? container.decode(String.self) {
            values = [one]
        } else {
            values = try container.decode([String].self)
        }
    }
}

/// The public keys of an issuer of access tokens.
public protocol VerificationKeySource: Sendable {
    /// The key with this ID (`kid`); `nil` if the issuer has none.
    ///
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` if the issuer cannot be reached.
    func key(named keyID: String) async throws(AccessDenied) -> PublicKey?
}

/// One key without an ID, which is used for every ID.
public struct SingleVerificationKey: VerificationKeySource {
    private let key: PublicKey

    public init(_ key: PublicKey) {
        self.key = key
    }

    public func key(named keyID: String) async throws(AccessDenied) -> PublicKey? { key }
}
