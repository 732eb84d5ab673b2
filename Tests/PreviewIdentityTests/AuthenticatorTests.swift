import Basics
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

/// Returns the same result for every credential.
private struct FixedVerifier: CredentialVerifier {
    let result: VerificationResult

    func verify(_ bearer: Secret) async throws(AccessDenied) -> VerificationResult { result }
}

@Suite("Authentication of callers", .timeLimit(.minutes(10)))
struct AuthenticatorTests {
    private let user = Caller(identity: "user-1", role: .user)
    private let other = Caller(identity: "user-2", role: .user)

    private func caller(_ results: VerificationResult..., bearer: String = "a-token") async throws -> Caller {
        try await Authenticator(results.map(FixedVerifier.init)).caller(presenting: Secret(bearer))
    }

    @Test func theFirstVerifierThatRecognisesACredentialDecides() async throws {
        #expect(try await caller(.notRecognized, .accepted(user), .accepted(other)) == user)
        await #expect(throws: AccessDenied.unauthenticated) { try await caller(.rejected, .accepted(user)) }
        await #expect(throws: AccessDenied.unauthenticated) { try await caller(.notRecognized) }
        await #expect(throws: AccessDenied.unauthenticated) { try await caller() }
    }

    @Test(arguments: ["", "a b", "a\u{7f}", "bearér", String(repeating: "a", count: Authenticator.maxBearerBytes + 1)])
    func textThatCannotBeATokenIsNotVerified(bearer: String) async throws {
        await #expect(throws: AccessDenied.unauthenticated) { try await caller(.accepted(user), bearer: bearer) }
    }

    @Test func aServiceKeyIsComparedWholeAndItsCallerIsTheService() async throws {
        let key = try #require(ServiceKey("a-service-key-for-tests\n"))
        let authenticator = Authenticator([ServiceKeyVerifier(user: "agentweaver-internal") { key }])
        let caller = try await authenticator.caller(presenting: Secret("a-service-key-for-tests"))
        #expect(caller == Caller(identity: "agentweaver-internal", role: .service))
        for wrong in ["a-service-key-for-test", "a-service-key-for-tests ", "A-service-key-for-tests", "x"] {
            await #expect(throws: AccessDenied.unauthenticated) {
                try await authenticator.caller(presenting: Secret(wrong))
            }
        }
    }

    @Test func nothingOfACredentialIsPrinted() throws {
        let key = try #require(ServiceKey("a-service-key-for-tests"))
        let caller = Caller(identity: "user-1", role: .user, bearer: Secret("a-bearer-for-tests"))
        for value in [key, caller, Secret("a-bearer-for-tests")] as [Any] {
            for text in printedForms(of: value) { #expect(!text.contains("for-tests")) }
        }
    }
}
