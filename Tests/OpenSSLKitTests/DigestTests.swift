import OpenSSLKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct DigestTests {
    @Test(
        "SHA-256 has the results of the test vectors that NIST publishes for FIPS 180",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                    + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ]
    )
    func sha256MatchesThePublishedTestVectors(message: String, expected: String) {
        #expect(Digest.sha256Hex(Array(message.utf8)) == expected)
    }

    @Test func collectionsWithoutContiguousStorageHaveTheSameDigest() {
        let bytes = Array("abcdef".utf8)
        #expect(Digest.sha256(bytes.reversed()) == Digest.sha256(Array("fedcba".utf8)))
        #expect(Digest.sha256(bytes.dropFirst(2)) == Digest.sha256(Array("cdef".utf8)))
    }

    @Test func hexadecimalDigitsSpellTheDigest() {
        let digest = Digest.sha256([0])
        #expect(digest.count == 32)
        let spelled = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(Digest.sha256Hex([0]) == spelled)
    }
}
