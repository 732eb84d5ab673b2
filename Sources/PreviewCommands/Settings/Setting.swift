/// One setting: its key, how its text becomes a value, and what is allowed.
struct Setting<Value: Sendable>: Sendable {
    /// The name of the environment variable; files and flags use the same.
    let key: String
    /// What is allowed, as the end of the sentence "expected …".
    let expected: String
    /// True for keys whose value must never be printed.
    let isSecret: Bool
    let parse: @Sendable (String) -> Value?

    init(_ key: String, expected: String, isSecret: Bool = false, parse: @escaping @Sendable (String) -> Value?) {
        self.key = key
        self.expected = expected
        self.isSecret = isSecret
        self.parse = parse
    }
}

extension Setting where Value == Bool {
    static func boolean(_ key: String) -> Setting {
        Setting(key, expected: "true or false (also yes, on, 1 or no, off, 0)") { text in
            switch text.withoutBlanks.lowercased() {
            case "true", "1", "yes", "y", "on": true
            case "false", "0", "no", "n", "off": false
            default: nil
            }
        }
    }
}

extension Setting where Value == Int {
    static func integer(_ key: String, in range: ClosedRange<Int>) -> Setting {
        Setting(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text.withoutBlanks).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Setting where Value == Duration {
    /// A length of time written as a number of `unit`, with decimals.
    ///
    /// - Parameters:
    ///   - unitName: The unit's plural, as the key spells it.
    ///   - range: The least and the most that is allowed, in that unit.
    static func duration(
        _ key: String,
        unit: Duration,
        named unitName: String,
        in range: ClosedRange<Double>
    ) -> Setting {
        Setting(
            key,
            expected:
                "a number of \(unitName) from \(range.lowerBound.formattedShortly) to \(range.upperBound.formattedShortly)"
        ) { text in
            guard let number = Double(text.withoutBlanks), range.contains(number) else { return nil }
            return unit * number
        }
    }
}

extension Setting where Value == String {
    /// A name of a Kubernetes object (DNS-1123 label, RFC 1123).
    static func objectName(_ key: String) -> Setting {
        Setting(key, expected: "a Kubernetes name of 1 to 63 characters of a-z, 0-9 and '-'") { text in
            let isLabel =
                (1...63).contains(text.utf8.count) && text.first != "-" && text.last != "-"
                && text.utf8.allSatisfy {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
                }
            return isLabel ? text : nil
        }
    }
}

extension String {
    /// Without the blanks at both ends, which people leave in files and templates.
    var withoutBlanks: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}

extension Double {
    /// Without a trailing ".0".
    fileprivate var formattedShortly: String {
        self == rounded() ? "\(Int(self))" : "\(self)"
    }
}
