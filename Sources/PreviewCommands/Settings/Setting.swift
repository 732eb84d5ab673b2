internal import Basics
internal import PreviewDomain

/// One setting: its key, its allowed values, the conversion of its text to a value, and its default.
///
/// `Default` is `Value` if the setting has a default, and `Void` otherwise.
struct Setting<Value: Sendable, Default: Sendable>: SettingDescription {
    let key: String
    let expected: String
    let isSecret: Bool
    /// Converts a text, without the white space at both ends that files and templates often contain.
    let parse: @Sendable (String) -> Value?
    /// The value if no source contains the key.
    let defaultValue: Default

    var hasDefault: Bool { Default.self != Void.self }

    func accepts(_ text: String) -> Bool { parse(text) != nil }
}

extension Setting where Default == Void {
    init(_ key: String, expected: String, isSecret: Bool = false, parse: @escaping @Sendable (String) -> Value?) {
        self.init(key: key, expected: expected, isSecret: isSecret, parse: { parse($0.trimmed) }, defaultValue: ())
    }

    /// The setting with a default.
    func `default`(_ value: Value) -> Setting<Value, Value> {
        Setting<Value, Value>(key: key, expected: expected, isSecret: isSecret, parse: parse, defaultValue: value)
    }
}

/// The part of a setting that is documented. A test compares it with Docs/Configuration.md.
protocol SettingDescription: Sendable {
    /// The name of the environment variable. Files and flags use the same name.
    var key: String { get }
    /// The allowed values, as the end of the sentence "expected …".
    var expected: String { get }
    /// Whether the value must never be printed.
    var isSecret: Bool { get }
    var hasDefault: Bool { get }
    /// Whether a text is an allowed value.
    func accepts(_ text: String) -> Bool
}

extension Setting where Value == Bool, Default == Void {
    static func boolean(_ key: String) -> Setting {
        Setting(key, expected: "true or false (also yes, on, 1 or no, off, 0)") { text in
            switch text.lowercased() {
            case "true", "1", "yes", "y", "on": true
            case "false", "0", "no", "n", "off": false
            default: nil
            }
        }
    }
}

extension Setting where Value == Int, Default == Void {
    static func integer(_ key: String, in range: ClosedRange<Int>) -> Setting {
        Setting(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Setting where Value == Double, Default == Void {
    static func number(_ key: String, in range: ClosedRange<Double>) -> Setting {
        Setting(key, expected: "a number \(range.expectation)", parse: range.number)
    }
}

extension Setting where Value == Duration, Default == Void {
    static func seconds(_ key: String, in range: ClosedRange<Double>) -> Setting {
        duration(key, of: .seconds(1), named: "seconds", in: range)
    }

    static func minutes(_ key: String, in range: ClosedRange<Double>) -> Setting {
        duration(key, of: .seconds(60), named: "minutes", in: range)
    }

    static func hours(_ key: String, in range: ClosedRange<Double>) -> Setting {
        duration(key, of: .seconds(3600), named: "hours", in: range)
    }

    /// A number of `unit`; decimals are allowed.
    private static func duration(
        _ key: String,
        of unit: Duration,
        named name: String,
        in range: ClosedRange<Double>
    ) -> Setting {
        Setting(key, expected: "a number of \(name) \(range.expectation)") { text in
            range.number(text).map { unit * $0 }
        }
    }
}

extension Setting where Value == String, Default == Void {
    /// A name of a Kubernetes object (a DNS-1123 label, RFC 1123).
    static func objectName(_ key: String) -> Setting {
        Setting(key, expected: "a Kubernetes name of 1 to 63 characters of a-z, 0-9 and '-'") { text in
            DNSLabel.isValid(text.utf8) ? text : nil
        }
    }
}

extension Setting where Value: RawRepresentable<String>, Default == Void {
    /// One of the names of an enumeration's cases, in either case.
    static func choice(_ key: String, _ expected: String) -> Setting {
        Setting(key, expected: expected) { Value(rawValue: $0.lowercased()) }
    }
}

extension ClosedRange<Double> {
    fileprivate var expectation: String { "from \(lowerBound.formattedShortly) to \(upperBound.formattedShortly)" }

    /// The number that a text contains, if it is in the range.
    @Sendable fileprivate func number(_ text: String) -> Double? {
        Double(text).flatMap { contains($0) ? $0 : nil }
    }
}

extension Double {
    /// The number without a trailing ".0".
    fileprivate var formattedShortly: String {
        self == rounded() ? "\(Int(self))" : "\(self)"
    }
}
