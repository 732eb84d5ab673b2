/// Reads the parts of a timestamp from left to right (RFC 3339, section 5.6).
struct TimestampReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    /// Whether everything has been read.
    var isAtEnd: Bool { rest.isEmpty }

    /// Takes exactly so many decimal digits, whose number must lie in the range.
    mutating func number(digits: Int, in range: ClosedRange<Int>) -> Int? {
        guard rest.count >= digits, rest.prefix(digits).allSatisfy(\.isDigit) else { return nil }
        let number = rest.prefix(digits).reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard range.contains(number) else { return nil }
        rest.removeFirst(digits)
        return number
    }

    /// Takes one character, a letter in either case; false when another one comes.
    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard let next = rest.first, next.lowercased == UInt8(ascii: character).lowercased else { return false }
        rest.removeFirst()
        return true
    }

    /// Takes a fraction of a second where there is one.
    ///
    /// - Returns: Whole nanoseconds, 0 without a fraction; nil when no digit follows the point.
    mutating func fraction() -> Int? {
        guard skip(".") else { return 0 }
        let digits = rest.prefix(while: \.isDigit)
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        let kept = digits.prefix(9)
        let number = kept.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return (kept.count..<9).reduce(number) { number, _ in number * 10 }
    }

    /// Takes the offset from UTC: `Z`, or a sign, hours and minutes.
    ///
    /// - Returns: Seconds; positive is east.
    mutating func offset() -> Int? {
        if skip("Z") { return 0 }
        let sign: Int
        if skip("+") {
            sign = 1
        } else if skip("-") {
            sign = -1
        } else {
            return nil
        }
        guard let hours = number(digits: 2, in: 0...23), skip(":"), let minutes = number(digits: 2, in: 0...59)
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
