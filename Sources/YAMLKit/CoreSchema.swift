/// The resolution of plain scalars in YAML's core schema (YAML 1.2.2, 10.3.2).
enum CoreSchema {
    /// The JSON of a plain scalar; `nil` if it is a string.
    ///
    /// `.inf`, `.nan`, and numbers that fit into neither `Int64` nor `Double` are strings, because JSON cannot represent them.
    static func json(_ text: String) -> String? {
        switch text {
        case "", "~", "null", "Null", "NULL": return "null"
        case "true", "True", "TRUE": return "true"
        case "false", "False", "FALSE": return "false"
        default: break
        }
        // Every number starts with a digit, a sign or a point.
        guard let first = text.utf8.first, first < UInt8(ascii: ":"), first != UInt8(ascii: "/") else { return nil }
        if text.hasPrefix("0o") { return integer(text.dropFirst(2), radix: 8) }
        if text.hasPrefix("0x") { return integer(text.dropFirst(2), radix: 16) }
        guard isDecimal(text) else { return nil }
        if let integer = Int64(text) { return "\(integer)" }
        return Double(text).flatMap { $0.isFinite ? "\($0)" : nil }
    }

    private static func integer(_ digits: Substring, radix: Int) -> String? {
        guard digits.first?.isHexDigit == true else { return nil }
        return Int64(digits, radix: radix).map { "\($0)" }
    }

    /// Whether a text is a decimal number, optionally with a fraction and an exponent.
    private static func isDecimal(_ text: String) -> Bool {
        var rest = text.utf8[...]
        rest.skipSign()
        var digits = rest.skipDigits()
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            digits += rest.skipDigits()
        }
        guard digits > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            rest.skipSign()
            guard rest.skipDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}

extension Substring.UTF8View {
    fileprivate mutating func skipSign() {
        if first == UInt8(ascii: "-") || first == UInt8(ascii: "+") { removeFirst() }
    }

    /// - Returns: The number of digits that were skipped.
    fileprivate mutating func skipDigits() -> Int {
        let digits = prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        removeFirst(digits)
        return digits
    }
}
