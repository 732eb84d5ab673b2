import DevelopmentCertificates
import OpenSSLKit
import TestSupport
import Testing

@Suite("Signatures verified by libcrypto", .timeLimit(.minutes(10)))
struct PublicKeyTests {
    /// An example of an RFC: the key, the text that was signed, and its signature in base64url.
    struct Example: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let key: @Sendable () throws -> PublicKey
        let signingInput: String
        let signature: String
    }

    static let examples = [
        Example(
            testDescription: "RFC 7515, A.2 (RS256)",
            key: {
                try PublicKey(
                    rsaModulus: Base64URL.decoded(
                        """
                        ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL\
                        -yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA\
                        9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8N\
                        Aco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ
                        """
                    ),
                    exponent: Base64URL.decoded("AQAB")
                )
            },
            signingInput: """
                eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y\
                b290Ijp0cnVlfQ
                """,
            signature: """
                cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJd\
                bF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN93\
                83LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhW\
                kWywlVmtVrBp0igcN_IoypGlUPQGe77Rw
                """
        ),
        Example(
            testDescription: "RFC 7515, A.3 (ES256)",
            key: {
                try PublicKey(
                    p256X: Base64URL.decoded("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                    y: Base64URL.decoded("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
                )
            },
            signingInput: """
                eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y\
                b290Ijp0cnVlfQ
                """,
            signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        ),
        Example(
            testDescription: "RFC 7520, 4.1 (RS256)",
            key: {
                try PublicKey(
                    rsaModulus: Base64URL.decoded(
                        """
                        n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJ\
                        MRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6\
                        M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_m\
                        zSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw
                        """
                    ),
                    exponent: Base64URL.decoded("AQAB")
                )
            },
            signingInput: """
                eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1\
                c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24nd\
                CBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4
                """,
            signature: """
                MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wn\
                B-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXF\
                xnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_\
                fcIe8u9ipH84ogoree7vjbU5y18kDquDg
                """
        ),
    ]

    @Test(arguments: examples)
    func theExamplesOfTheStandardsAreValid(example: Example) throws {
        let key = try example.key()
        let signature = Base64URL.decoded(example.signature)
        #expect(key.isValid(signature, of: Array(example.signingInput.utf8)))
        #expect(!key.isValid(signature, of: Array("\(example.signingInput)A".utf8)))
        #expect(!key.isValid(Array(signature.dropLast()), of: Array(example.signingInput.utf8)))
        #expect(!key.isValid(signature + [0], of: Array(example.signingInput.utf8)))
        #expect(!key.isValid([], of: Array(example.signingInput.utf8)))
    }

    @Test func aKeyIsTheSameWhereverItWasReadFrom() throws {
        let first = try Self.examples[0].key()
        #expect(try first == Self.examples[0].key())
        #expect(try first != Self.examples[1].key())
        #expect(try first != Self.examples[2].key())
    }

    @Test(
        arguments: [
            (modulusBits: 2047, exponent: [1, 0, 1]), (modulusBits: 1024, exponent: [1, 0, 1]),
            (modulusBits: 8200, exponent: [1, 0, 1]), (modulusBits: 2048, exponent: [1]),
            (modulusBits: 2048, exponent: [4]),
            (modulusBits: 2048, exponent: []), (modulusBits: 2048, exponent: [UInt8](repeating: 1, count: 9)),
            (modulusBits: 0, exponent: [1, 0, 1]),
        ] as [(modulusBits: Int, exponent: [UInt8])]
    )
    func anRSAKeyOutsideTheBoundsIsRefused(modulusBits: Int, exponent: [UInt8]) {
        var modulus = [UInt8](repeating: 0xff, count: (modulusBits + 7) / 8)
        if !modulusBits.isMultiple(of: 8) { modulus[0] = 0x7f }
        #expect(throws: PublicKeyError.unsupported) { try PublicKey(rsaModulus: modulus, exponent: exponent) }
    }

    @Test func leadingZerosOfAnRSAKeyDoNotCount() throws {
        let modulus = [UInt8](repeating: 0xff, count: 256)
        let key = try PublicKey(rsaModulus: modulus, exponent: [1, 0, 1])
        #expect(try key == PublicKey(rsaModulus: [0] + modulus, exponent: [0, 1, 0, 1]))
        #expect(key.algorithm == .rs256)
    }

    @Test func aPointThatIsNotOnTheCurveIsRefused() {
        let one = [UInt8](repeating: 0, count: 31) + [1]
        #expect(throws: PublicKeyError.self) { try PublicKey(p256X: one, y: one) }
        #expect(throws: PublicKeyError.unreadable) { try PublicKey(p256X: Array(one.dropFirst()), y: one) }
        #expect(throws: PublicKeyError.unreadable) { try PublicKey(p256X: one, y: [0] + one) }
    }

    @Test func anEncryptedKeyIsRefusedWithoutAPasswordPrompt() {
        let pem = """
            -----BEGIN PUBLIC KEY-----
            Proc-Type: 4,ENCRYPTED
            DEK-Info: AES-256-CBC,00000000000000000000000000000000

            MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmiehPdB4j5/dGkAo+1j4iuAcb0N/
            -----END PUBLIC KEY-----
            """
        #expect(throws: PublicKeyError.unreadable) { try PublicKey(pem: pem) }
    }

    @Test func aKeyIsReadFromEveryUsualPEM() throws {
        let key = PrivateKey(.rsa(bits: 2048))
        let expected = try PublicKey(pem: key.publicKeyPEM)
        #expect(expected.algorithm == .rs256)
        #expect(expected.isValid(key.signature(of: "message".utf8), of: Array("message".utf8)))
        #expect(try PublicKey(pem: "a comment\n\n\(key.publicKeyPEM)\nanother\n") == expected)
        let authority = try CertificateAuthority()
        let identity = try authority.issue()
        let certified = try PublicKey(pem: identity.certificatePEM)
        #expect(certified.algorithm == .es256)
        #expect(try certified == PublicKey(pem: identity.certificatePEM + authority.certificatePEM))
        #expect(try certified != PublicKey(pem: authority.certificatePEM))
    }

    @Test(arguments: [PrivateKey.Kind.rsa(bits: 1024), .p384])
    func aWeakKeyOrOneOfAnotherKindIsRefused(kind: PrivateKey.Kind) {
        #expect(throws: PublicKeyError.unsupported) { try PublicKey(pem: PrivateKey(kind).publicKeyPEM) }
    }

    @Test func aPrivateKeyIsRefusedAsWhatItIs() {
        #expect(throws: PublicKeyError.privateKey) { try PublicKey(pem: PrivateKey().privateKeyPEM) }
    }

    @Test func aSignatureOfTheOtherAlgorithmIsInvalid() throws {
        let (rsa, ec) = (PrivateKey(.rsa(bits: 2048)), PrivateKey())
        let message = Array("message".utf8)
        #expect(try !PublicKey(pem: rsa.publicKeyPEM).isValid(ec.signature(of: message), of: message))
        #expect(try !PublicKey(pem: ec.publicKeyPEM).isValid(rsa.signature(of: message), of: message))
    }
}
