/// Reads fixed-width numbers and single characters from ASCII text.
struct DigitScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    /// Reads `character` if it comes next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    /// Reads exactly `digits` decimal digits, whose number must lie in the range.
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

    /// Reads a fraction of a second where there is one.
    ///
    /// - Returns: Whole nanoseconds, 0 without a fraction; nil when no digit follows the point.
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

    /// Reads the next three bytes as text.
    mutating func threeLetters() -> String? {
        guard position + 3 <= bytes.count else { return nil }
        defer { position += 3 }
        return String(decoding: bytes[position..<position + 3], as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> Int? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int(byte - UInt8(ascii: "0")) : nil
    }
}
