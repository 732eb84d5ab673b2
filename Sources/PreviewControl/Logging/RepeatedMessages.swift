internal import Synchronization

/// Admits one log message for each cause in a minute, and counts the suppressed ones: a ``LogThrottle`` for values that
/// are shared.
public final class RepeatedMessages: Sendable {
    private static let interval = Duration.seconds(60)
    private static let maxCauses = 256

    private let throttle = Mutex(LogThrottle<String>(interval: interval, maxCauses: maxCauses))
    private let time: MonotonicTime

    public init(time: MonotonicTime) {
        self.time = time
    }

    /// Decides whether a message may be logged now.
    ///
    /// - Returns: How many messages of this cause were suppressed since the last one, or `nil` to suppress this one
    ///   too.
    public func admit(_ cause: String) -> Int? {
        throttle.withLock { $0.admit(cause, at: time.uptime()) }
    }
}
