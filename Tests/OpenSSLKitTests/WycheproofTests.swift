import FoundationEssentials
import OpenSSLKit
import TestSupport
import Testing

/// Verifies the signatures of Project Wycheproof's test vectors. The README.md beside the vectors names their source.
@Suite("Signatures of Project Wycheproof", .timeLimit(.minutes(10)))
struct WycheproofTests {
    private struct Vectors: Decodable {
        struct Group: Decodable {
            let publicKeyPem: String
            /// The same key as the numbers of a JSON Web Key.
            let n: String?
            let e: String?
            let x: String?
            let y: String?
            let tests: [Case]
        }

        struct Case: Decodable {
            let tcId: Int
            let comment: String
            let msg: String
            let sig: String
            let result: String
        }

        let testGroups: [Group]
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Wycheproof")

    @Test(arguments: [("rs256.json", 80), ("es256.json", 118)])
    func everySignatureIsAcceptedOrRefusedAsExpected(file: String, count: Int) throws {
        let data = try Data(contentsOf: Self.folder.appending(path: file))
        let groups = try JSONDecoder().decode(Vectors.self, from: data).testGroups
        for group in groups {
            let key = try PublicKey(pem: group.publicKeyPem)
            if let n = group.n, let e = group.e {
                #expect(try key == PublicKey(rsaModulus: Base64URL.decoded(n), exponent: Base64URL.decoded(e)))
            }
            if let x = group.x, let y = group.y {
                #expect(try key == PublicKey(p256X: Base64URL.decoded(x), y: Base64URL.decoded(y)))
            }
            for test in group.tests {
                // The one "acceptable" signature lacks a NULL in its padding. RFC 8017 lets a verifier accept it; libcrypto
                // does not.
                let isValid = key.isValid(Self.hexadecimal(test.sig), of: Self.hexadecimal(test.msg))
                #expect(isValid == (test.result == "valid"), "case \(test.tcId): \(test.comment)")
            }
        }
        #expect(groups.reduce(0) { $0 + $1.tests.count } == count)
    }

    private static func hexadecimal(_ text: String) -> [UInt8] {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
