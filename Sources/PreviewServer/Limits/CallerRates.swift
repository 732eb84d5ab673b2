internal import Hummingbird
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// How many requests each caller may send.
struct CallerRates: Sendable {
    private let limiter: RateLimiter

    init(limits: RequestLimits, time: MonotonicTime) {
        limiter = RateLimiter(limits: limits, time: time)
    }

    /// The platform's own key is one for all agents. Each run has a share of its own, so that a runaway agent throttles
    /// only itself.
    private struct Share: Hashable {
        let identity: String
        let run: RunID?
    }

    /// Counts one request.
    ///
    /// - Parameter run: The run that it is about, if it is about one. However it was spelled, it is the same run.
    /// - Throws: 429 when the caller sent too many.
    func take(for caller: Caller, run: RunID?) throws(APIError) {
        let share = Share(identity: caller.identity, run: caller.role == .service ? run : nil)
        if let wait = limiter.take(for: share) {
            throw APIError(
                .tooManyRequests,
                "You send requests faster than this service takes them. Wait, and send fewer.",
                retryAfter: wait
            )
        }
    }
}
