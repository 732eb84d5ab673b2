/// Allows one log message for each cause and interval, and counts the suppressed ones.
///
/// It is a value without a clock of its own. A message that repeats a thousand times a minute is logged once, with the
/// number.
struct LogThrottle<Cause: Hashable & Sendable>: Sendable {
    private struct Entry {
        var loggedAt: Duration
        var heldBack = 0
    }

    private let interval: Duration
    private let maxCauses: Int
    private var entries: [Cause: Entry] = [:]

    /// - Parameters:
    ///   - interval: The time between two messages of a cause.
    ///   - maxCauses: How many causes are remembered. Beyond that, the one that was logged longest ago is forgotten, so
    /// that it may be logged too early.
    init(interval: Duration, maxCauses: Int) {
        self.interval = interval
        self.maxCauses = max(maxCauses, 1)
    }

    /// Decides whether a message may be logged now.
    ///
    /// - Parameters:
    ///   - cause: What the message is about.
    ///   - now: The time since some fixed instant.
    /// - Returns: How many messages of this cause were suppressed since the last one, or `nil` to suppress this one
    ///   too.
    mutating func admit(_ cause: Cause, at now: Duration) -> Int? {
        if var entry = entries[cause] {
            guard now - entry.loggedAt >= interval else {
                entry.heldBack += 1
                entries[cause] = entry
                return nil
            }
            entries[cause] = Entry(loggedAt: now)
            return entry.heldBack
        }
        if entries.count >= maxCauses, let oldest = entries.min(by: { $0.value.loggedAt < $1.value.loggedAt }) {
            entries[oldest.key] = nil
        }
        entries[cause] = Entry(loggedAt: now)
        return 0
    }

    /// How many causes are remembered.
    var causeCount: Int { entries.count }
}
