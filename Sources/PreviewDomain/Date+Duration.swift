public import FoundationEssentials

extension Date {
    /// The instant a duration later.
    public static func + (date: Date, duration: Duration) -> Date {
        date.addingTimeInterval(duration.timeInterval)
    }

    /// The instant a duration earlier.
    public static func - (date: Date, duration: Duration) -> Date {
        date.addingTimeInterval(-duration.timeInterval)
    }

    /// The time from another instant to this one; negative if this one is earlier.
    ///
    /// - Parameter other: The instant to count from.
    /// - Returns: The difference, limited to ten thousand years either way so that no date can overflow it.
    public func duration(since other: Date) -> Duration {
        let limit = 10_000 * 366 * 86_400.0
        let seconds = timeIntervalSince(other)
        guard seconds > -limit else { return .seconds(-limit) }
        return .seconds(min(seconds, limit))
    }
}

extension Duration {
    /// The duration in seconds.
    var timeInterval: TimeInterval {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
