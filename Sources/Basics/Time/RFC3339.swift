public import FoundationEssentials

/// Timestamps of RFC 3339 in the proleptic Gregorian calendar, years 1 to 9999.
public enum RFC3339 {
    /// The maximum size of a timestamp to parse, in bytes. 35 are enough for nanoseconds and an offset.
    public static let maximumLength = 64

    /// 0001-01-01T00:00:00Z and the second after 9999-12-31T23:59:59Z, in seconds since 1970.
    private static let supported = -62_135_596_800..<253_402_300_800

    // MARK: Writing

    /// Formats an instant in UTC with milliseconds, such as `2026-01-02T03:04:05.678Z`.
    ///
    /// It is rounded up, so that an expiry that is parsed again is never earlier than what was promised. A parsed text with
    /// milliseconds is formatted as the same text.
    ///
    /// - Parameter date: The instant. If it is outside the years 1 to 9999, the nearest instant within them is used.
    public static func string(_ date: Date) -> String {
        let (second, millisecond) = roundedUpMilliseconds(date).flooredDivision(by: 1000)
        return text(second: second, fraction: millisecond, digits: 3)
    }

    /// Formats an instant in UTC with whole seconds, as `metav1.Time` of the Kubernetes API does: `2026-01-31T08:15:00Z`. The
    /// instant is rounded to microseconds; the fraction is then cut off.
    public static func seconds(_ date: Date) -> String {
        text(second: microseconds(since1970: date).flooredDivision(by: 1_000_000).quotient, fraction: 0, digits: 0)
    }

    private static func text(second: Int, fraction: Int, digits: Int) -> String {
        let (days, secondOfDay) = second.flooredDivision(by: CivilDate.secondsPerDay)
        let date = CivilDate(daysSince1970: days)
        var text: [UInt8] = []
        text.reserveCapacity(24)
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
        // The comparison is false for a date that is not a number, which therefore becomes the first instant.
        guard date > instant(first) else { return first }
        guard date < instant(last) else { return last }
        // The multiplication is not exact, so start one millisecond earlier and compare.
        var milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded(.down)) - 1
        while instant(milliseconds) < date { milliseconds += 1 }
        return milliseconds
    }

    private static func microseconds(since1970 date: Date) -> Int {
        let (first, last) = (Double(supported.lowerBound), Double(supported.upperBound - 1))
        let seconds = date.timeIntervalSince1970
        // The comparison is false for a date that is not a number, which therefore becomes the first instant.
        return Int(((seconds > first ? min(seconds, last) : first) * 1_000_000).rounded())
    }

    // MARK: Reading

    /// Parses a timestamp.
    ///
    /// Any fraction is accepted (digits below a nanosecond are ignored), any offset, and `T` and `Z` in upper and lower case. A
    /// leap second is accepted at the end of a month in UTC, and counts as the first second of the next month, as in POSIX
    /// time.
    ///
    /// - Parameter text: The timestamp, without other text, of at most ``maximumLength`` bytes.
    /// - Returns: `nil` if the text is not a timestamp, or is outside the years 1 to 9999 in UTC.
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

    /// The offset from UTC in seconds, positive to the east; `nil` if there is none.
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

    /// All conversions from numbers to a date use this function, so that parsing and rounding agree exactly.
    private static func instant(second: Int, nanosecond: Int) -> Date {
        let sinceReferenceDate = Double(second) - Date.timeIntervalBetween1970AndReferenceDate
        return Date(timeIntervalSinceReferenceDate: sinceReferenceDate + Double(nanosecond) / 1e9)
    }
}

extension Int {
    /// The quotient and the remainder of a division that rounds down. The remainder is never negative.
    fileprivate func flooredDivision(by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
