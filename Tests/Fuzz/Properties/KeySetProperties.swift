import FoundationEssentials
import OpenSSLKit

@testable import PreviewIdentity

/// A key set may contain anything. What is read from it is bounded, and verifies nothing that its keys did not sign.
enum KeySetProperties {
    static func check(_ bytes: [UInt8]) async throws {
        if let set = try? JSONDecoder().decode(JSONWebKeySet.self, from: Data(bytes)) {
            let keys = set.verificationKeys()
            try require(keys.count <= JSONWebKeySet.maxKeys, "a set has room for so many keys")
            try require(keys[""] == nil, "every key has a name")
            for key in keys.values { try check(key) }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if let key = try? PublicKey(pem: text) {
            try require(!text.contains("PRIVATE KEY-----"), "a private key is refused")
            try check(key)
        }
    }

    private static func check(_ key: PublicKey) throws {
        for token in try forged {
            try require(!token.isSigned(by: key), "a key vouches for nothing that it did not sign")
        }
    }

    /// Tokens whose signatures have the length of valid ones.
    private static let forgedTexts = [
        (header: #"{"alg":"ES256","kid":"ec"}"#, signatureBytes: 64),
        (header: #"{"alg":"RS256","kid":"rsa"}"#, signatureBytes: 256),
    ].map { header, count in
        [Data(header.utf8), Data("{}".utf8), Data(repeating: 1, count: count)]
            .map { FuzzKeys.base64URL($0) }
            .joined(separator: ".")
    }

    private static var forged: [JSONWebToken] {
        get throws { try forgedTexts.map { try require(JSONWebToken($0), "a forged token is one") } }
    }
}
