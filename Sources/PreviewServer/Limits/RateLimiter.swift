internal import PreviewControl
internal import Synchronization

/// A token bucket for each caller, kept as one point in time: the generic cell rate algorithm (ITU-T I.371).
///
/// The buckets are in two generations. One that has not been touched for as long as it takes to fill is as good as
/// new, so whole generations are dropped, and memory is bounded without a search.
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

    init(limits: RequestLimits, time: MonotonicTime) {
        interval = .seconds(1) / limits.requestsPerSecond
        capacity = interval * limits.burst
        maxCallers = limits.maxCallers
        uptime = time.uptime
        state = Mutex(State(rotatedAt: time.uptime()))
    }

    /// Takes one token out of a caller's bucket.
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
            let full = max(now, state.current[key] ?? state.previous[key] ?? now) + interval
            let excess = full - now - capacity
            guard excess <= .zero else { return excess }
            state.current[key] = full
            return nil
        }
    }

    /// How many buckets are remembered.
    var callerCount: Int { state.withLock { $0.current.count + $0.previous.count } }
}
