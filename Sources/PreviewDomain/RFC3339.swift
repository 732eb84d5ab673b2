public import FoundationEssentials

/// Timestamps of RFC 3339 in the proleptic Gregorian calendar, years 1 to 9999.
public enum RFC3339 {
    /// The most bytes that a timestamp to read may have; 35 are enough for nanoseconds and an offset.
    public static let maximumLength = 64

    private static let secondsPerDay = 86_400
    /// 0001-01-01T00:00:00Z and the second after 9999-12-31T23:59:59Z, in seconds since 1970.
    private static let supported = -62_135_596_800..<253_402_300_800

    /// Writes an instant in UTC with milliseconds, such as `2026-01-02T03:04:05.678Z`.
    ///
    /// Rounds up, so that an expiry that is read back is never earlier than what was promised; what was read from a
    /// text with milliseconds is written the same again.
    ///
    /// - Parameter date: The instant. One outside the years 1 to 9999 becomes the nearest one inside.
    public static func string(_ date: Date) -> String {
        let milliseconds = roundedUpMilliseconds(date)
        let (second, millisecond) = milliseconds.flooredDivision(by: 1000)
        let (day, secondOfDay) = second.flooredDivision(by: secondsPerDay)
        let (year, month, dayOfMonth) = civil(day: day)
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
        append(year, digits: 4, then: "-")
        append(month, digits: 2, then: "-")
        append(dayOfMonth, digits: 2, then: "T")
        append(secondOfDay / 3600, digits: 2, then: ":")
        append(secondOfDay / 60 % 60, digits: 2, then: ":")
        append(secondOfDay % 60, digits: 2, then: ".")
        append(millisecond, digits: 3, then: "Z")
        return String(decoding: text, as: UTF8.self)
    }

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
        var reader = TimestampReader(Array(text.utf8))
        guard let year = reader.number(digits: 4, in: 1...9999), reader.skip("-"),
            let month = reader.number(digits: 2, in: 1...12), reader.skip("-"),
            let dayOfMonth = reader.number(digits: 2, in: 1...daysIn(month: month, year: year)), reader.skip("T"),
            let hour = reader.number(digits: 2, in: 0...23), reader.skip(":"),
            let minute = reader.number(digits: 2, in: 0...59), reader.skip(":"),
            let second = reader.number(digits: 2, in: 0...60),
            let nanosecond = reader.fraction(),
            let offset = reader.offset(), reader.isAtEnd
        else { return nil }
        let minuteStart =
            day(year: year, month: month, dayOfMonth: dayOfMonth) * secondsPerDay
            + hour * 3600 + minute * 60 - offset
        let instant = minuteStart + second
        if second == 60 {
            let (day, secondOfDay) = instant.flooredDivision(by: secondsPerDay)
            guard secondOfDay == 0, civil(day: day).dayOfMonth == 1 else { return nil }
        }
        guard supported.contains(instant) else { return nil }
        return self.instant(second: instant, nanosecond: nanosecond)
    }

    // MARK: Instants

    /// The one way from numbers to a date, so that reading and rounding agree to the last bit.
    private static func instant(second: Int, nanosecond: Int) -> Date {
        let sinceReferenceDate = Double(second) - Date.timeIntervalBetween1970AndReferenceDate
        return Date(timeIntervalSinceReferenceDate: sinceReferenceDate + Double(nanosecond) / 1e9)
    }

    private static func instant(milliseconds: Int) -> Date {
        let (second, millisecond) = milliseconds.flooredDivision(by: 1000)
        return instant(second: second, nanosecond: millisecond * 1_000_000)
    }

    /// The first whole millisecond since 1970 that is not before the date.
    private static func roundedUpMilliseconds(_ date: Date) -> Int {
        let first = supported.lowerBound * 1000
        let last = supported.upperBound * 1000 - 1
        // "Not after" rather than "before", so that a date that is not a number has an answer too.
        guard date > instant(milliseconds: first) else { return first }
        guard date < instant(milliseconds: last) else { return last }
        // A multiplication can be off by a bit either way: start one below and let the comparison decide.
        var milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded(.down)) - 1
        while instant(milliseconds: milliseconds) < date { milliseconds += 1 }
        return milliseconds
    }

    // MARK: Calendar

    private static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The number of days from 1970-01-01 to a day.
    ///
    /// Years are counted from March, so that the leap day is a year's last and the lengths of the months before it
    /// follow one formula.
    private static func day(year: Int, month: Int, dayOfMonth: Int) -> Int {
        let marchYear = month > 2 ? year : year - 1
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + dayOfMonth - 1
        let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
        return marchYear * 365 + leapDays + dayOfYear - daysFromMarchOfYear0To1970
    }

    /// The day that is a number of days after 1970-01-01; the reverse of `day(year:month:dayOfMonth:)`.
    private static func civil(day: Int) -> (year: Int, month: Int, dayOfMonth: Int) {
        let daysPerEra = 146_097
        let (era, dayOfEra) = (day + daysFromMarchOfYear0To1970).flooredDivision(by: daysPerEra)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / (daysPerEra - 1)) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfMonth)
    }

    private static let daysFromMarchOfYear0To1970 = 719_468
}

extension Int {
    /// Quotient and remainder of a division that rounds down, so that the remainder is never negative.
    fileprivate func flooredDivision(by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
