import Basics
import PreviewDomain
import PreviewIdentity
import Synchronization
import TestPeers
import TestSupport
import Testing

/// Reviews of an API server that knows the given tokens. It records the tokens and can be made unavailable.
private final class ScriptedReviews: TokenReviews {
    private let state: Mutex<(names: [Secret: String], isUnreachable: Bool, asked: [Secret])>

    init(_ names: [Secret: String]) {
        state = Mutex((names, false, []))
    }

    var asked: [Secret] { state.withLock { $0.asked } }
    func setUnreachable(_ isUnreachable: Bool) { state.withLock { $0.isUnreachable = isUnreachable } }
    func forget() { state.withLock { $0.names = [:] } }

    func userName(of token: Secret, audience: String) async throws(AccessDenied) -> String? {
        let answer: Result<String?, AccessDenied> = state.withLock { state in
            state.asked.append(token)
            return state.isUnreachable ? .failure(AccessDenied(.unavailable, "away")) : .success(state.names[token])
        }
        return try answer.get()
    }
}

/// Reviews of an API server that knows no token, and answers only after `release()`.
private final class HeldReviews: TokenReviews {
    private struct State {
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isReleased = false
    }

    private let state = Mutex(State())

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    func release() {
        let waiting = state.withLock { state in
            state.isReleased = true
            return exchange(&state.waiting, with: [])
        }
        for continuation in waiting { continuation.resume() }
    }

    func userName(of token: Secret, audience: String) async throws(AccessDenied) -> String? {
        await withCheckedContinuation { continuation in
            let isReleased = state.withLock { state in
                if !state.isReleased { state.waiting.append(continuation) }
                return state.isReleased
            }
            if isReleased { continuation.resume() }
        }
        return nil
    }
}

@Suite("Tokens of ServiceAccounts", .timeLimit(.minutes(10)))
struct ServiceAccountVerifierTests {
    private let clock = ManualClock()
    /// The caller that the service's account is.
    private let service = Caller(identity: "agentweaver-internal", role: .service)

    private static func token(_ name: String, audience: String = #"["preview-gateway"]"#) -> Secret {
        Secret(
            TokenSigner.token(
                header: #"{"alg": "RS256", "kid": "cluster"}"#,
                claims: #"{"sub": "\#(name)", "aud": \#(audience)}"#
            ) { _ in Array(name.utf8) }
        )
    }

    private let runner = Self.token("runner")
    private let boss = Self.token("boss")
    private let stranger = Self.token("stranger")

    private func verifier() throws -> (ServiceAccountVerifier, ScriptedReviews) {
        let reviews = ScriptedReviews([
            runner: "system:serviceaccount:agents:runner", boss: "system:serviceaccount:ops:boss",
            stranger: "system:serviceaccount:other:stranger",
        ])
        let verifier = ServiceAccountVerifier(
            service: [try #require(ServiceAccount("system:serviceaccount:agents:runner"))],
            serviceUser: "agentweaver-internal",
            operators: [try #require(ServiceAccount("system:serviceaccount:ops:boss"))],
            reviews: reviews,
            uptime: clock.uptime
        )
        return (verifier, reviews)
    }

    @Test func anAccountIsWhatTheSettingsSay() async throws {
        let (verifier, _) = try verifier()
        #expect(try await verifier.verify(runner) == .accepted(service))
        let operatorCaller = Caller(identity: "system:serviceaccount:ops:boss", role: .operator)
        #expect(try await verifier.verify(boss) == .accepted(operatorCaller))
    }

    @Test func aGoodTokenOfAnotherAccountAndABadOneAreRejected() async throws {
        let (verifier, _) = try verifier()
        #expect(try await verifier.verify(stranger) == .rejected)
        #expect(try await verifier.verify(Self.token("forged")) == .rejected)
    }

    @Test func tokensForOtherAudiencesAreNotSentToTheAPIServer() async throws {
        let (verifier, reviews) = try verifier()
        for other in [
            Self.token("runner", audience: #""https://kubernetes.default.svc""#), Self.token("runner", audience: "[]"),
            Self.token("runner", audience: "7"), Secret("opaque"), Secret("a.b.c"), Secret("a-service-key-of-somebody"),
        ] {
            #expect(try await verifier.verify(other) == .notRecognized)
        }
        #expect(reviews.asked.isEmpty)
    }

    @Test func anAnswerIsReliedOnForThirtySecondsAtMost() async throws {
        let (verifier, reviews) = try verifier()
        for _ in 0..<10 {
            _ = try await verifier.verify(runner)
            _ = try await verifier.verify(stranger)
        }
        #expect(reviews.asked.count == 2)
        reviews.forget()
        clock.advance(by: .milliseconds(29_999))
        #expect(try await verifier.verify(runner) == .accepted(service))
        clock.advance(by: .milliseconds(1))
        #expect(try await verifier.verify(runner) == .rejected)
    }

    @Test func anUnreachableAPIServerRejectsNoToken() async throws {
        let (verifier, reviews) = try verifier()
        reviews.setUnreachable(true)
        await #expect(throws: AccessDenied(.unavailable, "away")) { try await verifier.verify(runner) }
        reviews.setUnreachable(false)
        #expect(try await verifier.verify(runner) == .accepted(service))
    }

    @Test(.timeLimit(.minutes(1)))
    func madeUpTokensTakeUpOnlySoManyRequestsToTheAPIServer() async throws {
        let reviews = HeldReviews()
        let verifier = ServiceAccountVerifier(
            service: [],
            serviceUser: "agentweaver-internal",
            operators: [],
            reviews: reviews,
            uptime: { .zero }
        )
        let limit = ServiceAccountVerifier.maxReviewsInProgress
        try await withThrowingTaskGroup(of: VerificationResult.self) { group in
            for number in 0..<limit { group.addTask { try await verifier.verify(Self.token("forged-\(number)")) } }
            await waitWhile { reviews.waitingCount < limit }
            let refusal = await #expect(throws: AccessDenied.self) {
                try await verifier.verify(Self.token("one-more"))
            }
            #expect(refusal?.kind == .unavailable && refusal?.retryAfter == .seconds(1))
            #expect(reviews.waitingCount == limit)
            reviews.release()
            for try await result in group { #expect(result == .rejected) }
        }
        #expect(try await verifier.verify(Self.token("one-more")) == .rejected)
    }

    @Test(arguments: [
        "", "runner", "system:serviceaccount:ns", "system:serviceaccount:ns:", "system:serviceaccount::name",
        "system:serviceaccount:ns:name:more", "system:node:ns:name", "user:serviceaccount:ns:name",
        "system:serviceaccount:Ns:name", "system:serviceaccount:n.s:name", "system:serviceaccount:ns:na me",
        "system:serviceaccount:ns:\(String(repeating: "a", count: 254))",
    ])
    func anAccountsNameHasFourParts(text: String) {
        #expect(ServiceAccount(text) == nil)
    }
}
