public import FoundationEssentials

/// The date format of HTTP header fields (RFC 9110, section 5.6.7, IMF-fixdate).
public enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]

    /// Parses an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// - Returns: The instant; `nil` if `text` has another format or contains the wrong day of the week.
    public static func parse(_ text: String) -> Date? {
        var text = text
        return text.withUTF8 { bytes in
            var scanner = DigitScanner(bytes)
            guard let weekday = scanner.threeLetters(), scanner.take(","), scanner.take(" "),
                let day = scanner.number(digits: 2), scanner.take(" "),
                let month = scanner.threeLetters().flatMap({ months.firstIndex(of: $0) }), scanner.take(" "),
                let year = scanner.number(digits: 4), scanner.take(" "),
                let hour = scanner.number(digits: 2, in: 0...23), scanner.take(":"),
                let minute = scanner.number(digits: 2, in: 0...59), scanner.take(":"),
                let second = scanner.number(digits: 2, in: 0...59), scanner.take(" "),
                scanner.threeLetters() == "GMT", scanner.isAtEnd,
                let date = CivilDate(year: year, month: month + 1, day: day)
            else { return nil }
            let days = date.daysSince1970
            guard weekdays[((days % 7) + 7) % 7] == weekday else { return nil }
            return Date(
                timeIntervalSince1970: Double(days * CivilDate.secondsPerDay + hour * 3600 + minute * 60 + second)
            )
        }
    }
}
