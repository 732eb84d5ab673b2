/// A duration in the format of the Gateway API: one to four integers of at most five digits, each with a unit (GEP-2257).
package struct GatewayDuration: Sendable, Hashable {
    /// The pattern of a duration in the Gateway API's CustomResourceDefinitions.
    static let pattern = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"
    private static let maxDigits = 5
    private static let maxParts = 4

    /// The duration in milliseconds.
    package let milliseconds: Int64

    /// - Returns: `nil` if the text is not a duration.
    package init?(_ text: String) {
        var rest = text.utf8[...]
        var sum: Int64 = 0
        var parts = 0
        while !rest.isEmpty {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard (1...Self.maxDigits).contains(digits.count), let number = Int64(String(Substring(digits))) else {
                return nil
            }
            rest = rest[digits.endIndex...]
            let unit = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
            guard let factor = Self.millisecondsByUnit[String(Substring(unit))] else { return nil }
            rest = rest[unit.endIndex...]
            sum += number * factor
            parts += 1
        }
        guard (1...Self.maxParts).contains(parts) else { return nil }
        milliseconds = sum
    }

    /// The duration in protobuf's JSON format: seconds, with decimals if needed.
    var protobufText: String {
        let fraction = milliseconds % 1000
        let decimals = fraction == 0 ? "" : "." + String(String(1000 + fraction).dropFirst())
        return "\(milliseconds / 1000)\(decimals)s"
    }

    private static let millisecondsByUnit: [String: Int64] = ["h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1]
}
