import DevelopmentCertificates
import FoundationEssentials
import OpenSSLKit

/// An issuer of access tokens in place of the platform's sign-in. Its key exists only in this process.
package struct TokenIssuer: Sendable {
    package static let name = "preview-devcluster"
    package static let audience = "preview-gateway"
    /// The lifetime of a token, longer than that of a preview.
    static let validity: TimeInterval = 12 * 3600

    private let key = PrivateKey()

    /// Creates an issuer with a new key.
    package init() {}

    /// The public key, in PEM.
    package var publicKeyPEM: String { key.publicKeyPEM }

    /// Signs a token for a user (RFC 7519; ES256, RFC 7518 section 3.4). A secret.
    package func token(for user: String) -> String {
        let now = Date().timeIntervalSince1970.rounded(.down)
        let header: JSONValue = ["alg": "ES256", "typ": "JWT", "kid": "preview-devcluster"]
        let claims: JSONValue = [
            "iss": .string(Self.name), "aud": .string(Self.audience), "sub": .string(user),
            "iat": .int(Int64(now)), "exp": .int(Int64(now + Self.validity)),
        ]
        let input = "\(Self.encoded(JSONWriter.bytes(of: header))).\(Self.encoded(JSONWriter.bytes(of: claims)))"
        return "\(input).\(Self.encoded(key.signature(of: input.utf8)))"
    }

    /// The user of a token that this issuer has signed; `nil` for any other text. The expiry is not checked.
    func user(of token: String) -> String? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Self.decoded(parts[2]), let claims = Self.decoded(parts[1]),
            let key = try? PublicKey(pem: publicKeyPEM),
            key.isValid(signature, of: Array("\(parts[0]).\(parts[1])".utf8))
        else { return nil }
        return (try? JSONParser.value(of: claims))?["sub"]?.stringValue
    }

    private static func decoded(_ text: Substring) -> [UInt8]? {
        let standard = text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        let padding = String(repeating: "=", count: (4 - standard.count % 4) % 4)
        return Data(base64Encoded: String(standard) + padding).map { Array($0) }
    }

    /// base64url without padding (RFC 7515 section 2).
    private static func encoded(_ bytes: some Sequence<UInt8>) -> String {
        String(
            Data(bytes).base64EncodedString().compactMap { character -> Character? in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            }
        )
    }
}
