internal import Hummingbird
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity
internal import Synchronization

/// A token bucket for each caller, stored as one point in time: the generic cell rate algorithm (ITU-T I.371).
///
/// The buckets are in two generations. A bucket that was not used for the time in which it fills is full, so whole
/// generations are dropped, and memory is bounded without a search.
final class RateLimiter: Sendable {
    private struct State {
        /// When each caller's bucket is full again.
        var current: [Int: Duration] = [:]
        var previous: [Int: Duration] = [:]
        var rotatedAt: Duration
    }

    private let interval: Duration
    private let capacity: Duration
    private let maxCallers: Int
    private let uptime: @Sendable () -> Duration
    private let state: Mutex<State>

    /// - Parameter factor: Multiplies the rate and the burst.
    init(limits: RequestLimits, factor: Int = 1, time: MonotonicTime) {
        interval = .seconds(1) / (limits.requestsPerSecond * Double(factor))
        capacity = interval * (limits.burst * factor)
        maxCallers = limits.maxCallers
        uptime = time.uptime
        state = Mutex(State(rotatedAt: time.uptime()))
    }

    /// Takes one token from a caller's bucket.
    ///
    /// - Returns: `nil`, or how long the caller has to wait for the next token.
    func take(for caller: some Hashable) -> Duration? {
        let key = caller.hashValue
        let now = uptime()
        return state.withLock { state in
            if now - state.rotatedAt >= capacity || state.current.count >= maxCallers {
                state.previous = state.current
                state.current.removeAll(keepingCapacity: true)
                state.rotatedAt = now
            }
            let full = fullTime(key, at: now, in: state)
            let excess = full - now - capacity
            guard excess <= .zero else { return excess }
            state.current[key] = full
            return nil
        }
    }

    /// Looks into a caller's bucket without taking a token.
    ///
    /// - Returns: `nil`, or how long the caller has to wait for the next token.
    func wait(for caller: some Hashable) -> Duration? {
        let now = uptime()
        let excess = state.withLock { fullTime(caller.hashValue, at: now, in: $0) } - now - capacity
        return excess > .zero ? excess : nil
    }

    /// When a bucket is full again once a token is taken.
    private func fullTime(_ key: Int, at now: Duration, in state: State) -> Duration {
        max(now, state.current[key] ?? state.previous[key] ?? now) + interval
    }

    /// The number of remembered buckets.
    var callerCount: Int { state.withLock { $0.current.count + $0.previous.count } }
}

/// The rate of requests of each caller.
struct CallerRates: Sendable {
    private let limiter: RateLimiter
    private let serviceLimiter: RateLimiter

    init(limits: RequestLimits, time: MonotonicTime) {
        limiter = RateLimiter(limits: limits, time: time)
        serviceLimiter = RateLimiter(limits: limits, factor: limits.serviceRateFactor, time: time)
    }

    /// All agents share the platform's service key. Each run has its own rate, so that a runaway agent throttles only
    /// itself. A request may name a run that does not exist, so all runs together have a rate too.
    private struct Share: Hashable {
        let identity: String
        let run: RunID?
    }

    /// Counts one request.
    ///
    /// - Parameter run: The run of the request, if it has one. All spellings are the same run.
    /// - Throws: 429 if the caller sent too many.
    func take(for caller: Caller, run: RunID?) throws(APIError) {
        let isService = caller.role == .service
        let share = Share(identity: caller.identity, run: isService ? run : nil)
        // Requests beyond the rate of all runs use no bucket of a run, and those beyond a run's rate none of all runs.
        let wait =
            (isService ? serviceLimiter.wait(for: caller.identity) : nil) ?? limiter.take(for: share)
            ?? (isService ? serviceLimiter.take(for: caller.identity) : nil)
        if let wait {
            throw APIError(
                .tooManyRequests,
                "You send requests too fast. Wait, and send fewer requests.",
                retryAfter: wait
            )
        }
    }
}

/// Refuses callers that exceed their rate, by the run in the request's path. It runs after authentication: an
/// unauthenticated caller has no rate.
struct RateLimitMiddleware: RouterMiddleware {
    let rates: CallerRates

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        let run = context.parameters.get("runId").flatMap { try? RunID($0) }
        try rates.take(for: try context.authenticatedCaller, run: run)
        return try await next(request, context)
    }
}
