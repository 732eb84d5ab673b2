import Basics
import FoundationEssentials
import OpenSSLKit
import PreviewDomain
import PreviewIdentity
import Synchronization
import TestPeers
import TestSupport
import Testing

@Suite("Access tokens that were verified before", .timeLimit(.minutes(10)))
struct RememberedTokenTests {
    /// An issuer whose key can be withdrawn or replaced, and whose time a test can advance.
    private final class Issuer: VerificationKeySource {
        let key: Mutex<PublicKey?>
        let now = Mutex(TokenSigner.now)

        init(_ key: PublicKey) {
            self.key = Mutex(key)
        }

        func key(named keyID: String) async throws(AccessDenied) -> PublicKey? { key.withLock { $0 } }
    }

    private let signer = TokenSigner()
    private let issuer: Issuer
    private let verifier: AccessTokenVerifier
    private let token: Secret

    init() async throws {
        let issuer = Issuer(try PublicKey(pem: signer.publicKeyPEM))
        self.issuer = issuer
        verifier = AccessTokenVerifier(
            issuer: TokenSigner.issuer,
            audience: TokenSigner.audience,
            keys: issuer,
            now: { issuer.now.withLock { $0 } }
        )
        token = Secret(signer.token(subject: "user-1"))
    }

    private func isAccepted(_ bearer: Secret) async throws -> Bool {
        if case .accepted = try await verifier.verify(bearer) { true } else { false }
    }

    @Test func theSameTokenIsTheSameUserAgain() async throws {
        let first = try await verifier.verify(token)
        #expect(try await verifier.verify(token) == first)
        #expect(try await isAccepted(token))
    }

    @Test func aTokenWhoseTimeIsOverIsRefused() async throws {
        #expect(try await isAccepted(token))
        issuer.now.withLock { $0.addTimeInterval(30 * 86_400) }
        #expect(try await !isAccepted(token))
    }

    @Test func aTokenWhoseKeyIsWithdrawnIsRefused() async throws {
        #expect(try await isAccepted(token))
        issuer.key.withLock { $0 = nil }
        #expect(try await !isAccepted(token))
    }

    @Test func aTokenIsVerifiedAnewWithAnotherKeyOfTheSameName() async throws {
        #expect(try await isAccepted(token))
        let other = try PublicKey(pem: TokenSigner().publicKeyPEM)
        issuer.key.withLock { $0 = other }
        #expect(try await !isAccepted(token))
        let same = try PublicKey(pem: signer.publicKeyPEM)
        issuer.key.withLock { $0 = same }
        #expect(try await isAccepted(token))
    }

    @Test func anotherSignatureUnderTheSameClaimsIsRefused() async throws {
        #expect(try await isAccepted(token))
        let forged = token.value.dropLast(6) + (token.value.hasSuffix("AAAAAA") ? "BBBBBB" : "AAAAAA")
        #expect(try await !isAccepted(Secret(forged)))
    }
}
