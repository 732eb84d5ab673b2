internal import Synchronization

/// Admits one log message for each cause in an interval, and counts the suppressed ones: a ``LogThrottle`` for values
/// that are shared.
public final class SharedLogThrottle<Cause: Hashable & Sendable>: Sendable {
    private let throttle: Mutex<LogThrottle<Cause>>
    private let time: MonotonicTime

    /// - Parameters:
    ///   - interval: The time between two messages of a cause.
    ///   - maxCauses: How many causes are remembered.
    public init(time: MonotonicTime, interval: Duration = .seconds(60), maxCauses: Int = 256) {
        self.time = time
        throttle = Mutex(LogThrottle(interval: interval, maxCauses: maxCauses))
    }

    /// Decides whether a message may be logged now.
    ///
    /// - Returns: How many messages of this cause were suppressed since the last one, or `nil` to suppress this one
    ///   too.
    public func admit(_ cause: Cause) -> Int? {
        throttle.withLock { $0.admit(cause, at: time.uptime()) }
    }
}
