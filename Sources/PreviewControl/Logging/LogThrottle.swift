/// Lets one log line through for each cause and interval, and counts what it holds back.
///
/// A value without a clock of its own. What repeats a thousand times a minute is worth one line, and the number.
public struct LogThrottle<Cause: Hashable & Sendable>: Sendable {
    private struct Entry {
        var loggedAt: Duration
        var heldBack = 0
    }

    private let interval: Duration
    private let maxCauses: Int
    private var entries: [Cause: Entry] = [:]

    /// - Parameters:
    ///   - interval: The time from one line of a cause to its next one.
    ///   - maxCauses: How many causes are remembered. Where there are more, the one that was logged longest ago is
    ///     forgotten, so that it may be logged too early.
    public init(interval: Duration, maxCauses: Int) {
        self.interval = interval
        self.maxCauses = max(maxCauses, 1)
    }

    /// Asks whether a line may be written now.
    ///
    /// - Parameters:
    ///   - cause: What the line is about.
    ///   - now: The time since some fixed instant.
    /// - Returns: How many lines of this cause were held back since the last one, or `nil` to hold this one back too.
    public mutating func admit(_ cause: Cause, at now: Duration) -> Int? {
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
