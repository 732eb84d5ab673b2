internal import DevelopmentCertificates
public import FoundationEssentials
internal import TestSupport

/// Creates JSON Web Tokens, valid and invalid ones, signed with its own P-256 key (ES256).
public struct TokenSigner: Sendable {
    public static let issuer = "https://issuer.example.com"
    public static let audience = "previews"
    /// The instant at which the tokens of ``token(subject:login:keyID:validUntil:)`` are verified.
    public static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private let key = PrivateKey()

    public init() {}

    public var publicKeyPEM: String { key.publicKeyPEM }

    /// The public key as a JSON Web Key (RFC 7518, section 6.2).
    public func webKey(named keyID: String) -> String {
        let point = key.point
        return """
            {"kty": "EC", "crv": "P-256", "kid": "\(keyID)", "alg": "ES256", "use": "sig", \
            "x": "\(Base64URL.encoded(point.x))", "y": "\(Base64URL.encoded(point.y))"}
            """
    }

    /// A token of a user that is valid unless an argument makes it invalid. `validUntil` is in seconds from ``now``.
    public func token(
        subject: String,
        login: String? = nil,
        keyID: String = "key-1",
        validUntil: Int = 300
    ) -> String {
        let login = login.map { #", "gh_login": "\#($0)""# } ?? ""
        let expiry = Int(Self.now.timeIntervalSince1970) + validUntil
        return token(
            header: #"{"alg": "ES256", "kid": "\#(keyID)"}"#,
            claims: """
                {"iss": "\(Self.issuer)", "aud": "\(Self.audience)", "sub": "\(subject)", "exp": \(expiry)\(login)}
                """
        )
    }

    /// A token with this header and these claims, signed with ES256.
    public func token(header: String, claims: String) -> String {
        Self.token(header: header, claims: claims) { key.signature(of: $0) }
    }

    /// A token with this header and these claims, signed by `signature`.
    public static func token(
        header: String,
        claims: String,
        signature: (_ input: Data) throws -> some Sequence<UInt8>
    ) rethrows -> String {
        let input = "\(Base64URL.encoded(header.utf8)).\(Base64URL.encoded(claims.utf8))"
        return "\(input).\(Base64URL.encoded(try signature(Data(input.utf8))))"
    }
}
