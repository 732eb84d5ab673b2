internal import OpenSSLKit

/// The document in which an issuer publishes its keys (RFC 7517).
struct JSONWebKeySet: Decodable {
    /// The largest number of keys that are read of one set.
    static let maxKeys = 64

    /// One key. Members that are absent or of another type are `nil`: a key that cannot be used is ignored (RFC 7517,
    /// 5).
    private struct Key: Decodable {
        let type: String?
        let keyID: String?
        let use: String?
        let algorithm: String?
        let curve: String?
        let modulus: String?
        let exponent: String?
        let x: String?
        let y: String?

        private enum CodingKeys: String, CodingKey {
            case type = "kty"
            case keyID = "kid"
            case use
            case algorithm = "alg"
            case curve = "crv"
            case modulus = "n"
            case exponent = "e"
            case x
            case y
        }

        init(from decoder: any Decoder) throws {
            let members = try? decoder.container(keyedBy: CodingKeys.self)
            func text(_ key: CodingKeys) -> String? { try? members?.decodeIfPresent(String.self, forKey: key) }
            type = text(.type)
            keyID = text(.keyID)
            use = text(.use)
            algorithm = text(.algorithm)
            curve = text(.curve)
            modulus = text(.modulus)
            exponent = text(.exponent)
            x = text(.x)
            y = text(.y)
        }
    }

    private let keys: [Key]

    /// The keys that may have signed access tokens, by their IDs.
    func verificationKeys() -> [String: PublicKey] {
        var found: [String: PublicKey] = [:]
        for key in keys.prefix(Self.maxKeys) where key.use == nil || key.use == "sig" {
            guard let keyID = key.keyID, !keyID.isEmpty, found[keyID] == nil else { continue }
            found[keyID] = try? Self.verificationKey(key)
        }
        return found
    }

    private static func verificationKey(_ key: Key) throws(PublicKeyError) -> PublicKey? {
        switch (key.type, key.algorithm ?? (key.type == "EC" ? "ES256" : "RS256")) {
        case ("RSA", "RS256"):
            guard let modulus = key.modulus.flatMap(base64URLDecoded),
                let exponent = key.exponent.flatMap(base64URLDecoded)
            else { return nil }
            return try PublicKey(rsaModulus: modulus, exponent: exponent)
        case ("EC", "ES256"):
            guard key.curve == "P-256", let x = key.x.flatMap(base64URLDecoded), let y = key.y.flatMap(base64URLDecoded)
            else { return nil }
            return try PublicKey(p256X: x, y: y)
        default: return nil
        }
    }
}
