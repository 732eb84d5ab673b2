package import FoundationEssentials

/// Times in the format of Kubernetes (`metav1.Time`): RFC 3339, UTC, whole seconds.
package enum Timestamp {
    /// The time as text; fractions of a second are omitted.
    package static func text(_ date: Date) -> String { date.formatted(.iso8601) }

    /// - Returns: `nil` if the text is not a time.
    package static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }

    /// A time in the format of the field `Date` (RFC 9110 section 5.6.7, "IMF-fixdate").
    static func header(_ date: Date) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.weekday, .day, .month, .year, .hour, .minute, .second], from: date)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let twoDigits: (Int?) -> String = { ($0 ?? 0) < 10 ? "0\($0 ?? 0)" : "\($0 ?? 0)" }
        let time = [parts.hour, parts.minute, parts.second].map(twoDigits).joined(separator: ":")
        let month = months[(parts.month ?? 1) - 1]
        return "\(days[(parts.weekday ?? 1) - 1]), \(twoDigits(parts.day)) \(month) \(parts.year ?? 1970) \(time) GMT"
    }
}
