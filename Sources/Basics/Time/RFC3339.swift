public import FoundationEssentials

/// Timestamps of RFC 3339 in the proleptic Gregorian calendar, years 1 to 9999.
public enum RFC3339 {
    /// The most bytes that a timestamp to read may have; 35 are enough for nanoseconds and an offset.
    public static let maximumLength = 64

    /// 0001-01-01T00:00:00Z and the second after 9999-12-31T23:59:59Z, in seconds since 1970.
    private static let supported = -62_135_596_800..<253_402_300_800

    // MARK: Writing

    /// Writes an instant in UTC with milliseconds, such as `2026-01-02T03:04:05.678Z`.
    ///
    /// Rounds up, so that an expiry that is read back is never earlier than what was promised; what was read from a
    /// text with milliseconds is written the same again.
    ///
    /// - Parameter date: The instant. One outside the years 1 to 9999 becomes the nearest one inside.
    public static func string(_ date: Date) -> String {
        let (second, millisecond) = roundedUpMilliseconds(date).flooredDivision(by: 1000)
        return text(second: second, fraction: millisecond, digits: 3)
    }

    /// Writes whole seconds in UTC, as `metav1.Time` of the Kubernetes API: `2026-01-31T08:15:00Z`. Fractions are cut off.
    public static func seconds(_ date: Date) -> String {
        text(second: microseconds(since1970: date).flooredDivision(by: 1_000_000).quotient, fraction: 0, digits: 0)
    }

    /// Writes microseconds in UTC, as `metav1.MicroTime` of the Kubernetes API: `2026-01-31T08:15:00.123456Z`.
    public static func microseconds(_ date: Date) -> String {
        let (second, microsecond) = microseconds(since1970: date).flooredDivision(by: 1_000_000)
        return text(second: second, fraction: microsecond, digits: 6)
    }

    private static func text(second: Int, fraction: Int, digits: Int) -> String {
        let (days, secondOfDay) = second.flooredDivision(by: CivilDate.secondsPerDay)
        let date = CivilDate(daysSince1970: days)
        var text: [UInt8] = []
        text.reserveCapacity(27)
        func append(_ number: Int, digits: Int, then separator: Unicode.Scalar) {
            var divisor = 1
            for _ in 1..<digits { divisor *= 10 }
            while divisor > 0 {
                text.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
                divisor /= 10
            }
            text.append(UInt8(ascii: separator))
        }
        append(date.year, digits: 4, then: "-")
        append(date.month, digits: 2, then: "-")
        append(date.day, digits: 2, then: "T")
        append(secondOfDay / 3600, digits: 2, then: ":")
        append(secondOfDay / 60 % 60, digits: 2, then: ":")
        append(secondOfDay % 60, digits: 2, then: digits > 0 ? "." : "Z")
        if digits > 0 { append(fraction, digits: digits, then: "Z") }
        return String(decoding: text, as: UTF8.self)
    }

    /// The first whole millisecond since 1970 that is not before the date.
    private static func roundedUpMilliseconds(_ date: Date) -> Int {
        let first = supported.lowerBound * 1000
        let last = supported.upperBound * 1000 - 1
        func instant(_ milliseconds: Int) -> Date {
            let (second, millisecond) = milliseconds.flooredDivision(by: 1000)
            return self.instant(second: second, nanosecond: millisecond * 1_000_000)
        }
        // "Not after" rather than "before", so that a date that is not a number has an answer too.
        guard date > instant(first) else { return first }
        guard date < instant(last) else { return last }
        // A multiplication can be off by a bit either way: start one below and let the comparison decide.
        var milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded(.down)) - 1
        while instant(milliseconds) < date { milliseconds += 1 }
        return milliseconds
    }

    private static func microseconds(since1970 date: Date) -> Int {
        let seconds = min(
            max(date.timeIntervalSince1970, Double(supported.lowerBound)),
            Double(supported.upperBound - 1)
        )
        return Int((seconds * 1_000_000).rounded())
    }

    // MARK: Reading

    /// Reads a timestamp.
    ///
    /// Takes any fraction (what is below a nanosecond is dropped), any offset, and `T` and `Z` in either case. A leap
    /// second is taken where one can be, in the last minute of a month in UTC, and is the first second of the next
    /// month, as POSIX clocks have it.
    ///
    /// - Parameter text: The timestamp and nothing else, at most `maximumLength` bytes.
    /// - Returns: nil when the text is no timestamp, or one outside the years 1 to 9999 in UTC.
    public static func date(_ text: String) -> Date? {
        guard text.utf8.count <= maximumLength else { return nil }
        var text = text
        return text.withUTF8 { bytes in
            var scanner = DigitScanner(bytes)
            guard let year = scanner.number(digits: 4, in: 1...9999), scanner.take("-"),
                let month = scanner.number(digits: 2), scanner.take("-"),
                let dayOfMonth = scanner.number(digits: 2), scanner.take("T") || scanner.take("t"),
                let hour = scanner.number(digits: 2, in: 0...23), scanner.take(":"),
                let minute = scanner.number(digits: 2, in: 0...59), scanner.take(":"),
                let second = scanner.number(digits: 2, in: 0...60),
                let day = CivilDate(year: year, month: month, day: dayOfMonth),
                let nanosecond = scanner.fraction(),
                let offset = offset(&scanner), scanner.isAtEnd
            else { return nil }
            let instant = day.daysSince1970 * CivilDate.secondsPerDay + hour * 3600 + minute * 60 - offset + second
            if second == 60 {
                let (days, secondOfDay) = instant.flooredDivision(by: CivilDate.secondsPerDay)
                guard secondOfDay == 0, CivilDate(daysSince1970: days).day == 1 else { return nil }
            }
            guard supported.contains(instant) else { return nil }
            return self.instant(second: instant, nanosecond: nanosecond)
        }
    }

    /// The offset from UTC in seconds; positive is east.
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
        guard let hours = scanner.number(digits: 2, in: 0...23), scanner.take(":"),
            let minutes = scanner.number(digits: 2, in: 0...59)
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }

    /// The one way from numbers to a date, so that reading and rounding agree to the last bit.
    private static func instant(second: Int, nanosecond: Int) -> Date {
        let sinceReferenceDate = Double(second) - Date.timeIntervalBetween1970AndReferenceDate
        return Date(timeIntervalSinceReferenceDate: sinceReferenceDate + Double(nanosecond) / 1e9)
    }
}

extension Int {
    /// Quotient and remainder of a division that rounds down, so that the remainder is never negative.
    fileprivate func flooredDivision(by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
