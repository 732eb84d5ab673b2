public import Basics
public import FoundationEssentials
public import OpenSSLKit
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

/// What an access token says about its user (RFC 7519, 4.1).
struct AccessTokenClaims: Decodable {
    /// How far the issuer's clock and this one may be apart.
    static let leeway: TimeInterval = 60

    /// The longest name of a user, in bytes.
    static let maxNameBytes = 256

    let issuer: String
    let audiences: [String]
    let subject: String
    let expiry: Double
    let notBefore: Double?
    /// The user's name on GitHub, where the issuer knows it.
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
    func hold(issuer: String, audience: String, now: Date) -> Bool {
        let seconds = now.timeIntervalSince1970
        return self.issuer == issuer && audiences.contains(audience)
            && seconds < expiry + Self.leeway
            && (notBefore.map { $0 - Self.leeway <= seconds } ?? true)
            && names.allSatisfy(Self.isName)
    }

    /// A name is shown to people and written into logs, so it is one line.
    private static func isName(_ text: String) -> Bool {
        (1...maxNameBytes).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// The names by which the user may be known.
    var names: Set<String> { login.map { [subject, $0] } ?? [subject] }
}

/// The claim `aud`: one text or a list of texts, also an empty one (RFC 7519, 4.1.3).
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
