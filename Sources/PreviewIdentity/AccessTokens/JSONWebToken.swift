public import Basics
internal import FoundationEssentials
internal import OpenSSLKit

/// The three parts of a signed JSON Web Token in its compact form (RFC 7515, RFC 7519), before verification.
struct JSONWebToken {
    /// The signature's algorithm and key, from the header.
    struct Header: Decodable {
        let algorithm: String
        let keyID: String?
        /// True if the token requires extensions. None is implemented, so the token must be refused (RFC 7515, 4.1.11).
        let isCritical: Bool

        private enum CodingKeys: String, CodingKey {
            case algorithm = "alg"
            case keyID = "kid"
            case critical = "crit"
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: CodingKeys.self)
            algorithm = try members.decode(String.self, forKey: .algorithm)
            keyID = try members.decodeIfPresent(String.self, forKey: .keyID)
            isCritical = members.contains(.critical)
        }
    }

    let header: Header
    let payload: Data
    let signature: [UInt8]
    /// The bytes that were signed.
    let signingInput: [UInt8]

    /// - Returns: `nil` for a text that is not such a token.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3,
            let header = base64URLDecoded(parts[0]),
            let payload = base64URLDecoded(parts[1]),
            let signature = base64URLDecoded(parts[2]),
            let decoded = try? JSONDecoder().decode(Header.self, from: Data(header))
        else { return nil }
        self.header = decoded
        self.payload = Data(payload)
        self.signature = signature
        signingInput = Array("\(parts[0]).\(parts[1])".utf8)
    }

    /// The claims, which must not be trusted before the signature is verified.
    func claims<Claims: Decodable>(_ type: Claims.Type) -> Claims? {
        try? JSONDecoder().decode(type, from: payload)
    }

    /// Whether the signature was made with `key` and the algorithm in the header.
    func isSigned(by key: PublicKey) -> Bool {
        header.algorithm == key.algorithm.rawValue && key.isValid(signature, of: signingInput)
    }
}

extension Secret {
    /// The subject of this bearer token; `nil` if it is not a JSON Web Token.
    ///
    /// The signature is not verified. It tells the owner of a token which account the token is for, and proves nothing about a
    /// token of somebody else.
    public var unverifiedSubject: String? { JSONWebToken(value)?.claims(SubjectClaim.self)?.sub }
}

private struct SubjectClaim: Decodable {
    let sub: String
}

/// Decodes base64url without padding (RFC 7515, 2); `nil` for any other text.
func base64URLDecoded(_ text: some StringProtocol) -> [UInt8]? {
    var bytes = Data(capacity: text.utf8.count + 2)
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "-"): bytes.append(UInt8(ascii: "+"))
        case UInt8(ascii: "_"): bytes.append(UInt8(ascii: "/"))
        case let byte where byte.isAlphanumeric: bytes.append(byte)
        default: return nil
        }
    }
    while !bytes.count.isMultiple(of: 4) { bytes.append(UInt8(ascii: "=")) }
    return Data(base64Encoded: bytes).map(Array.init)
}
