/// A day of the proleptic Gregorian calendar.
struct CivilDate: Hashable {
    static let secondsPerDay = 86_400

    let year: Int
    let month: Int
    let day: Int

    /// Creates a date; `nil` if it does not exist.
    init?(year: Int, month: Int, day: Int) {
        guard (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year) else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date that is `daysSince1970` days after 1970-01-01.
    ///
    /// The computation counts years from March, so that the leap day is the last day of a year, in eras of 400 years.
    init(daysSince1970: Int) {
        let shifted = daysSince1970 + Self.daysFromYearZeroTo1970
        let era = (shifted >= 0 ? shifted : shifted - (Self.daysPerEra - 1)) / Self.daysPerEra
        let dayOfEra = shifted - era * Self.daysPerEra
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// The number of days since 1970-01-01; negative before it.
    var daysSince1970: Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * Self.daysPerEra + dayOfEra - Self.daysFromYearZeroTo1970
    }

    private static let daysPerEra = 146_097
    private static let daysFromYearZeroTo1970 = 719_468

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Parses numbers of fixed width and single characters in ASCII text.
struct DigitScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    /// Skips `character` if it comes next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    /// Parses exactly `digits` decimal digits; `nil` if there are fewer, or the number is outside the range.
    mutating func number(digits: Int, in range: ClosedRange<Int> = 0...Int.max) -> Int? {
        guard position + digits <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<position + digits] {
            guard let digit = Self.digit(byte) else { return nil }
            value = value * 10 + digit
        }
        guard range.contains(value) else { return nil }
        position += digits
        return value
    }

    /// Parses the fraction of a second, if there is one.
    ///
    /// - Returns: The number of whole nanoseconds; 0 without a fraction, `nil` if the point is not followed by a digit.
    mutating func fraction() -> Int? {
        guard take(".") else { return 0 }
        let start = position
        var nanoseconds = 0
        var unit = 100_000_000
        while position < bytes.count, let digit = Self.digit(bytes[position]) {
            nanoseconds += digit * unit
            unit /= 10
            position += 1
        }
        return position > start ? nanoseconds : nil
    }

    /// Returns the next three bytes as text.
    mutating func threeLetters() -> String? {
        guard position + 3 <= bytes.count else { return nil }
        defer { position += 3 }
        return String(decoding: bytes[position..<position + 3], as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> Int? {
        byte.isDigit ? Int(byte - UInt8(ascii: "0")) : nil
    }
}
