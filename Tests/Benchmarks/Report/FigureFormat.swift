import Foundation

/// Numbers for readers: about three significant digits, no exponent.
enum FigureFormat {
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return "none" }
        let magnitude = abs(value)
        if magnitude >= 1000 { return grouped(Int(value.rounded())) }
        if value == value.rounded() { return String(Int(value)) }
        let digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3
        return String(format: "%.\(digits)f", value)
    }

    private static func grouped(_ number: Int) -> String {
        var digits = Array(String(abs(number)))
        for position in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: position) }
        return (number < 0 ? "-" : "") + String(digits)
    }
}
