import HTTPTransport
import Synchronization

/// Decides when a failed request is sent again, and after which pause.
///
/// | failure | get, list, discovery | create, patch, delete |
/// | --- | --- | --- |
/// | the server has not acted on it (connect, TLS, refused) | retried | retried |
/// | 429, and 503 with `Retry-After` | retried | retried: refused before anything was done |
/// | 403 by RBAC | retried for ``forbiddenGrace`` | the same |
/// | a quota, an admission webhook or a policy refuses | final | final |
/// | an admission webhook fails | retried | final: each attempt may take as long as the webhook's time-out |
/// | time-out, broken connection, 500, 502, 504, 503 alone | retried | final: it may have been done |
/// | 401 | once, with another credential (not by this type) | the same |
/// | everything else | final | final |
///
/// A 403 is retried for a moment because a server that has just started answers 403 until RBAC is loaded (0.7 s were
/// seen). Authorisation comes before any effect, so even a create may be repeated. A 403 of another cause is final: an
/// exhausted quota, an admission plugin that refuses, a namespace that is being deleted.
public struct RetryPolicy: Hashable, Sendable {
    /// The largest number of attempts.
    public var maxAttempts: Int
    /// The pause after the first failure; it doubles with each further one.
    public var initialBackoff: Duration
    /// The longest pause that this client chooses.
    public var maxBackoff: Duration
    /// The longest pause that a server can ask for with `Retry-After`; longer ones count as this.
    public var maxRetryAfter: Duration
    /// How long a 403 counts as temporary.
    public var forbiddenGrace: Duration

    public init(
        maxAttempts: Int = 6,
        initialBackoff: Duration = .milliseconds(100),
        maxBackoff: Duration = .seconds(5),
        maxRetryAfter: Duration = .seconds(30),
        forbiddenGrace: Duration = .milliseconds(1500)
    ) {
        self.maxAttempts = maxAttempts
        self.initialBackoff = initialBackoff
        self.maxBackoff = maxBackoff
        self.maxRetryAfter = maxRetryAfter
        self.forbiddenGrace = forbiddenGrace
    }

    /// Decides about the next attempt.
    ///
    /// - Parameters:
    ///   - error: The error of the last attempt.
    ///   - isRead: Whether the request changes nothing.
    ///   - attempts: The number of attempts so far.
    ///   - elapsed: The time since the first attempt began.
    ///   - budget: The time limit of the request.
    ///   - jitter: A random number in 0..<1.
    /// - Returns: The pause before the next attempt, or `nil` if the failure is final.
    func pause(
        after error: KubernetesError,
        isRead: Bool,
        attempts: Int,
        elapsed: Duration,
        budget: Duration,
        jitter: Double
    ) -> Duration? {
        guard attempts < maxAttempts else { return nil }
        let backoff = Self.backoff(failures: attempts, initial: initialBackoff, max: maxBackoff, jitter: jitter)
        if error.kind == .forbidden {
            return elapsed + backoff <= min(forbiddenGrace, budget) ? backoff : nil
        }
        guard isRead ? error.isTemporary : Self.requestHadNoEffect(error) else { return nil }
        var pause = backoff
        if let asked = error.retryAfter {
            // Up to a tenth more, so that clients that were refused together do not retry together.
            pause = max(pause, min(asked, maxRetryAfter) * (1 + jitter / 10))
        }
        return elapsed + pause < budget ? pause : nil
    }

    /// A pause that doubles with each failure; the upper half of it is random.
    static func backoff(failures: Int, initial: Duration, max: Duration, jitter: Double) -> Duration {
        var pause = initial
        for _ in 1..<Swift.max(failures, 1) where pause < max {
            pause *= 2
        }
        return min(pause, max) * (0.5 + jitter / 2)
    }

    /// Whether the server has certainly not acted on the request.
    private static func requestHadNoEffect(_ error: KubernetesError) -> Bool {
        switch error.kind {
        case .tooManyRequests: true
        case .unavailable: error.statusCode == 503 && error.retryAfter != nil
        case .transport(let kind): kind.requestHadNoEffect && error.isTemporary
        default: false
        }
    }
}

/// The source of jitter.
public struct Randomness: Sendable {
    private let next: @Sendable () -> Double

    /// Takes random numbers from `generator`, which a test seeds.
    public init(_ generator: some RandomNumberGenerator & Sendable) {
        let box = Box(generator)
        next = { box.next() }
    }

    /// The system's random numbers.
    public static let system = Randomness(SystemRandomNumberGenerator())

    /// A number in 0..<1.
    func unit() -> Double {
        next()
    }

    private final class Box<Generator: RandomNumberGenerator & Sendable>: Sendable {
        private let generator: Mutex<Generator>

        init(_ generator: Generator) {
            self.generator = Mutex(generator)
        }

        func next() -> Double {
            generator.withLock { Double.random(in: 0..<1, using: &$0) }
        }
    }
}
