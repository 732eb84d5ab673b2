import HTTPTransport
import Testing

@testable import KubernetesClient

@Suite("RetryPolicy", .timeLimit(.minutes(10)))
struct RetryPolicyTests {
    private let policy = RetryPolicy()

    private func pause(_ error: KubernetesError, attempts: Int = 1, elapsed: Duration = .zero, jitter: Double = 0.5)
        -> Duration?
    {
        policy.pause(
            after: error,
            isRead: true,
            attempts: attempts,
            elapsed: elapsed,
            budget: .seconds(60),
            jitter: jitter
        )
    }

    @Test("Pauses double up to a limit, and half of each is random")
    func pausesDoubleUpToALimitAndHalfOfEachIsRandom() {
        let broken = KubernetesError(.transport(.connect), "")
        #expect(
            (1...5).map { pause(broken, attempts: $0, jitter: 1) }
                == [100, 200, 400, 800, 1600].map { .milliseconds($0) }
        )
        #expect(
            (1...5).map { pause(broken, attempts: $0, jitter: 0) }
                == [50, 100, 200, 400, 800].map { .milliseconds($0) }
        )
        #expect(pause(broken, attempts: policy.maxAttempts) == nil)
        #expect(
            RetryPolicy.backoff(failures: 1_000_000, initial: .seconds(1), max: .seconds(5), jitter: 1) == .seconds(5)
        )
    }

    @Test("A pause is at least Retry-After, is spread, and is limited to the maximum")
    func aPauseIsAtLeastRetryAfterUpToAMaximum() {
        let asked = KubernetesError(.tooManyRequests, statusCode: 429, retryAfter: .seconds(2))
        #expect(pause(asked, jitter: 0) == .seconds(2))
        #expect(pause(asked, jitter: 1) == .seconds(2) * 1.1)
        let absurd = KubernetesError(.tooManyRequests, statusCode: 429, retryAfter: .seconds(3600))
        #expect(pause(absurd, jitter: 0) == policy.maxRetryAfter)
        #expect(pause(absurd, elapsed: .seconds(40), jitter: 0) == nil, "the budget is the caller's")
    }

    @Test("An error that another attempt cannot change is final")
    func anErrorThatAnotherAttemptCannotChangeIsFinal() {
        let kinds: [KubernetesError.Kind] = [
            .unauthorized, .namespaceTerminating, .notFound(.object), .notFound(.namespace), .notFound(.group),
            .alreadyExists, .conflict, .gone, .invalid, .tooLarge, .rejected, .decoding, .configuration,
            .transport(.cancelled), .transport(.bodyTooLarge), .transport(.invalidRequest),
        ]
        for kind in kinds { #expect(pause(KubernetesError(kind, "")) == nil, "\(kind)") }
    }
}
