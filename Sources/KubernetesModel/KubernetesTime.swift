public import FoundationEssentials

/// RFC 3339 times as the Kubernetes API writes them (`metav1.Time`, `metav1.MicroTime`).
public enum KubernetesTime {
    /// Parses an RFC 3339 time with or without a fraction and with any offset.
    ///
    /// - Returns: The instant, or `nil` if `text` is no RFC 3339 time or its date does not exist. Leap seconds are
    ///   not accepted, as in the API server.
    public static func parse(_ text: String) -> Date? {
        var text = text
        return text.withUTF8 { parse($0) }
    }

    /// Prints whole seconds in UTC, as `metav1.Time` does: `2026-01-31T08:15:00Z`. Fractions are cut off.
    public static func seconds(_ date: Date) -> String {
        let (days, second, _) = split(date)
        return day(days) + "T" + time(second) + "Z"
    }

    /// Prints microseconds in UTC, as `metav1.MicroTime` does: `2026-01-31T08:15:00.123456Z`.
    public static func microseconds(_ date: Date) -> String {
        let (days, second, microsecond) = split(date)
        return day(days) + "T" + time(second) + "." + padded(microsecond, to: 6) + "Z"
    }

    private static func split(_ date: Date) -> (days: Int, second: Int, microsecond: Int) {
        // Years 0001 to 9999 are what RFC 3339 can write.
        let earliest: Double = -62_135_596_800
        let latest: Double = 253_402_300_799
        let seconds = min(max(date.timeIntervalSince1970, earliest), latest)
        let microseconds = Int((seconds * 1_000_000).rounded())
        let whole = floorDivide(microseconds, by: 1_000_000)
        let days = floorDivide(whole.quotient, by: CivilDate.secondsPerDay)
        return (days.quotient, days.remainder, whole.remainder)
    }

    private static func floorDivide(_ value: Int, by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func day(_ days: Int) -> String {
        let date = CivilDate(daysSince1970: days)
        return padded(date.year, to: 4) + "-" + padded(date.month, to: 2) + "-" + padded(date.day, to: 2)
    }

    private static func time(_ second: Int) -> String {
        padded(second / 3600, to: 2) + ":" + padded(second / 60 % 60, to: 2) + ":" + padded(second % 60, to: 2)
    }

    private static func padded(_ number: Int, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension KubernetesTime {
    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Date? {
        var scanner = DigitScanner(bytes)
        guard let year = scanner.number(digits: 4), scanner.take("-"),
            let month = scanner.number(digits: 2), scanner.take("-"),
            let day = scanner.number(digits: 2), scanner.take("T") || scanner.take("t"),
            let hour = scanner.number(digits: 2), scanner.take(":"),
            let minute = scanner.number(digits: 2), scanner.take(":"),
            let second = scanner.number(digits: 2),
            let date = CivilDate(year: year, month: month, day: day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction = 0.0
        if scanner.take(".") {
            guard let parsed = scanner.fraction() else { return nil }
            fraction = parsed
        }
        guard let offset = offset(&scanner), scanner.isAtEnd else { return nil }
        let seconds = date.daysSince1970 * CivilDate.secondsPerDay + hour * 3600 + minute * 60 + second - offset
        return Date(timeIntervalSince1970: Double(seconds) + fraction)
    }

    /// The offset from UTC in seconds.
    private static func offset(_ scanner: inout DigitScanner) -> Int? {
        if scanner.take("Z") || scanner.take("z") { return 0 }
        let sign: Int
        if scanner.take("+") {
            sign = 1
        } else if scanner.take("-") {
            sign = -1
        } else {
            return nil
        }
        guard let hours = scanner.number(digits: 2), scanner.take(":"), let minutes = scanner.number(digits: 2),
            hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
