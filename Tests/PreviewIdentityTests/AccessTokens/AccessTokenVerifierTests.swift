import Basics
import DevelopmentCertificates
import FoundationEssentials
import OpenSSLKit
import PreviewDomain
import PreviewIdentity
import TestPeers
import TestSupport
import Testing

/// Signs with RSA (RS256), as the platform's issuer does.
private enum RSAIssuer {
    /// Generating an RSA key is slow, so all tests share this one.
    static let key = PrivateKey(.rsa(bits: 2048))

    static func token(header: String = #"{"alg": "RS256", "kid": "key-1"}"#, claims: String) -> String {
        TokenSigner.token(header: header, claims: claims) { key.signature(of: $0) }
    }

    static func verifier() throws -> AccessTokenVerifier {
        try AccessTokenVerifierTests.verifier(pem: key.publicKeyPEM)
    }
}

@Suite("Access tokens", .timeLimit(.minutes(10)))
struct AccessTokenVerifierTests {
    private let signer = TokenSigner()

    fileprivate static func verifier(pem: String) throws -> AccessTokenVerifier {
        AccessTokenVerifier(
            issuer: TokenSigner.issuer,
            audience: TokenSigner.audience,
            keys: SingleVerificationKey(try PublicKey(pem: pem)),
            now: { TokenSigner.now }
        )
    }

    private func result(for token: String) async throws -> VerificationResult {
        try await Self.verifier(pem: signer.publicKeyPEM).verify(Secret(token))
    }

    /// Valid claims with the given changes; `nil` removes a claim.
    private static func claims(_ changes: [String: String?] = [:]) -> String {
        var claims: [String: String?] = [
            "iss": #""\#(TokenSigner.issuer)""#, "aud": #""\#(TokenSigner.audience)""#, "sub": #""user-1""#,
            "exp": "\(Int(TokenSigner.now.timeIntervalSince1970) + 300)",
        ]
        claims.merge(changes) { $1 }
        let members = claims.compactMap { name, value in value.map { #""\#(name)": \#($0)"# } }
        return "{\(members.joined(separator: ", "))}"
    }

    private static func time(_ offset: Double) -> String { "\(TokenSigner.now.timeIntervalSince1970 + offset)" }

    @Test func anES256TokenNamesItsUserBySubjectAndLogin() async throws {
        let token = signer.token(subject: "user-1", login: "octocat")
        let caller = Caller(identity: "user-1", role: .user, names: ["user-1", "octocat"], bearer: Secret(token))
        #expect(try await result(for: token) == .accepted(caller))
    }

    @Test func anRS256TokenIsAccepted() async throws {
        let result = try await RSAIssuer.verifier().verify(Secret(RSAIssuer.token(claims: Self.claims())))
        guard case .accepted(let caller) = result else {
            Issue.record("it was not accepted")
            return
        }
        #expect(caller.names == ["user-1"])
    }

    @Test(
        arguments: [
            ["aud": #"["other", "previews"]"#], ["exp": time(-59)], ["exp": time(0.5)], ["nbf": time(60)],
            ["nbf": time(-1)], ["iat": time(0)], ["gh_login": "null"], ["scope": #""any""#, "jti": #""1""#],
        ] as [[String: String?]]
    )
    func validClaimsAreAccepted(changes: [String: String?]) async throws {
        let result = try await result(
            for: signer.token(header: #"{"alg": "ES256", "kid": "a"}"#, claims: Self.claims(changes))
        )
        guard case .accepted = result else {
            Issue.record("it was not accepted")
            return
        }
    }

    @Test(
        arguments: [
            ["aud": #""other""#], ["aud": "[]"], ["aud": nil], ["aud": #"["other"]"#], ["aud": "1"], ["exp": time(-60)],
            ["exp": time(-1_000_000)], ["exp": nil], ["exp": #""soon""#], ["exp": "null"], ["nbf": time(61)],
            ["nbf": #""later""#], ["sub": nil], ["sub": #""""#], ["sub": "7"], ["gh_login": #""""#],
            ["gh_login": "[]"], ["sub": #""a\nb""#], ["gh_login": #""a\u0000""#],
            ["sub": #""\#(String(repeating: "a", count: 257))""#],
        ] as [[String: String?]]
    )
    func invalidClaimsAreRefused(changes: [String: String?]) async throws {
        let result = try await result(
            for: signer.token(header: #"{"alg": "ES256", "kid": "a"}"#, claims: Self.claims(changes))
        )
        #expect(result == .rejected)
    }

    @Test(arguments: [
        #"{"alg": "ES256"}"#, #"{"alg": "ES256", "kid": ""}"#, #"{"alg": "RS256", "kid": "a"}"#,
        #"{"alg": "ES384", "kid": "a"}"#, #"{"alg": "none", "kid": "a"}"#, #"{"alg": "es256", "kid": "a"}"#,
        #"{"alg": "ES256", "kid": "a", "crit": ["exp"]}"#, #"{"alg": "ES256", "kid": "a", "crit": null}"#,
    ])
    func invalidHeadersAreRefusedWhateverTheSignature(header: String) async throws {
        #expect(try await result(for: signer.token(header: header, claims: Self.claims())) == .rejected)
    }

    @Test(arguments: ["none", "None", "ES256", "RS256"])
    func aTokenWithoutASignatureIsRefused(algorithm: String) async throws {
        let token = TokenSigner.token(header: #"{"alg": "\#(algorithm)", "kid": "a"}"#, claims: Self.claims()) { _ in
            Data()
        }
        #expect(try await result(for: token) == .rejected)
        #expect(try await RSAIssuer.verifier().verify(Secret(token)) == .rejected)
    }

    @Test func aPublicKeyIsNoSecretForHS256() async throws {
        let pem = RSAIssuer.key.publicKeyPEM
        for secret in [pem, pem + "\n"] {
            let token = TokenSigner.token(header: #"{"alg": "HS256", "kid": "a"}"#, claims: Self.claims()) { input in
                Self.hmac(input, key: Array(secret.utf8))
            }
            #expect(try await RSAIssuer.verifier().verify(Secret(token)) == .rejected)
        }
    }

    /// HMAC with SHA-256 (RFC 2104), for a key that is longer than a block of 64 bytes.
    private static func hmac(_ input: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
        let key = Digest.sha256(key) + [UInt8](repeating: 0, count: 32)
        return Digest.sha256(key.map { $0 ^ 0x5c } + Digest.sha256(key.map { $0 ^ 0x36 } + input))
    }

    @Test func aTokenOfAnotherKeyOrWithOtherClaimsIsRefused() async throws {
        #expect(try await result(for: TokenSigner().token(subject: "user-1")) == .rejected)
        let good = signer.token(subject: "user-1").split(separator: ".")
        let others = Base64URL.encoded(Self.claims(["sub": #""user-2""#]).utf8)
        #expect(try await result(for: "\(good[0]).\(others).\(good[2])") == .rejected)
        #expect(try await RSAIssuer.verifier().verify(Secret(good.joined(separator: "."))) == .rejected)
    }

    @Test func everyFlippedBitOfASignatureIsRefused() async throws {
        let input = signer.token(subject: "user-1").split(separator: ".")
        let signature = Base64URL.decoded(input[2])
        try #require(!signature.isEmpty)
        let verifier = try Self.verifier(pem: signer.publicKeyPEM)
        for bit in 0..<(signature.count * 8) {
            var changed = signature
            changed[changed.startIndex + bit / 8] ^= 1 << (bit % 8)
            let token = "\(input[0]).\(input[1]).\(Base64URL.encoded(changed))"
            #expect(try await verifier.verify(Secret(token)) == .rejected)
        }
    }

    @Test func otherCredentialsAreLeftToTheOtherVerifiers() async throws {
        let good = signer.token(subject: "user-1")
        let foreign = Self.claims(["iss": #""https://other.example.com""#])
        for text in [
            "", ".", "..", "a.b.c", "opaque", "\(good).", ".\(good)", "\(good)=", good.replacing(".", with: "!"),
            String(repeating: ".", count: 8000), Base64URL.encoded([0xff, 0xfe]) + ".e30.", "e30.e30.e30",
            signer.token(header: "[]", claims: Self.claims()),
            signer.token(header: #"{"alg": 5, "kid": "a"}"#, claims: Self.claims()),
            signer.token(header: #"{"alg": "ES256", "kid": "a"}"#, claims: foreign),
            signer.token(header: #"{"alg": "ES256", "kid": "a"}"#, claims: Self.claims(["iss": nil])),
            signer.token(header: #"{"alg": "ES256", "kid": "a"}"#, claims: "null"),
        ] {
            #expect(try await result(for: text) == .notRecognized)
        }
    }

    @Test func randomChangesOfATokenAreNeverAcceptedAndNeverCrash() async throws {
        let good = Array(signer.token(subject: "user-1").utf8)
        let verifier = try Self.verifier(pem: signer.publicKeyPEM)
        // The last character of the signature has unused bits, so it is not changed.
        let random = SeededRandom(seed: 7)
        for _ in 0..<500 {
            var bytes = good
            for _ in 0...Int(random.next() % 3) {
                bytes[Int(random.next() % UInt64(good.count - 1))] = UInt8(0x21 + random.next() % 0x5e)
            }
            guard bytes != good else { continue }
            let result = try await verifier.verify(Secret(String(decoding: bytes, as: UTF8.self)))
            #expect(result == .rejected || result == .notRecognized)
        }
    }

    @Test func onlyThePublicHalfOfAUsableKeyIsTaken() async throws {
        for (pem, reason) in [
            (RSAIssuer.key.privateKeyPEM, PublicKeyError.privateKey), (PrivateKey().privateKeyPEM, .privateKey),
            (PrivateKey(.p384).publicKeyPEM, .unsupported), ("", .unreadable),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", .unreadable),
        ] {
            #expect(throws: reason) { try PublicKey(pem: pem) }
        }
    }
}
