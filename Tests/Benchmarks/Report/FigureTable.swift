/// A table of figures, one in each row.
struct FigureTable {
    private static let titles = ["figure", "against", "value", "target", "met", "details"]

    private let rows: [[String]]

    init(_ measurements: [Measurement]) {
        rows = measurements.map(Self.row)
    }

    /// One figure outside a table.
    static func line(_ measurement: Measurement) -> String {
        let row = row(measurement)
        let target = row[3].isEmpty ? "" : "  (target \(row[3]): \(row[4]))"
        return "\(row[0]), \(row[1]): \(row[2])\(target)\(row[5].isEmpty ? "" : "  [\(row[5])]")"
    }

    private static func row(_ measurement: Measurement) -> [String] {
        let condition = measurement.condition.isEmpty ? "" : ", \(measurement.condition)"
        let target = measurement.target.map { target in
            "\(target.bound == .atMost ? "≤" : "≥") \(FigureFormat.text(target.value))"
        }
        return [
            measurement.name, measurement.place + condition, quantity(measurement.value, measurement.unit),
            target ?? "", measurement.met.map { $0 ? "yes" : "MISSED" } ?? "",
            measurement.sides.map { "\($0.name) \(quantity($0.value, $0.unit))" }.joined(separator: ", "),
        ]
    }

    private static func quantity(_ value: Double, _ unit: String) -> String {
        unit.isEmpty ? FigureFormat.text(value) : "\(FigureFormat.text(value)) \(unit)"
    }

    var text: String {
        let all = [Self.titles] + rows
        let widths = Self.titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    var markdown: String {
        let rule = Self.titles.map { _ in "---" }
        return ([Self.titles, rule] + rows).map { row in
            "| \(row.map { $0.isEmpty ? " " : $0 }.joined(separator: " | ")) |"
        }.joined(separator: "\n")
    }
}
