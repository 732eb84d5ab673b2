/// What the demo found: whether each step held, and the figures with the marks that they are to reach.
actor DemoReport {
    private var steps: [(name: String, holds: Bool)] = []
    private var figures: [String: JSONValue] = [:]

    /// Notes whether a step held, and prints it.
    func step(_ name: String, _ holds: Bool, _ remark: String = "") {
        steps.append((name, holds))
        print("\(holds ? "✔" : "✘") \(name)\(remark.isEmpty ? "" : ": \(remark)")")
    }

    /// Notes a figure. Missing its mark is said, and is no failure: times depend on the machine.
    func figure(_ name: String, _ value: Double, below mark: Double, unit: String) {
        let rounded = (value * 10).rounded() / 10
        figures[name] = [
            "value": .double(rounded), "unit": .string(unit), "below": .double(mark), "met": .bool(value < mark),
        ]
        print("  \(name): \(rounded) \(unit) (to reach: under \(mark) \(unit))")
    }

    func count(_ name: String, _ value: Int) {
        figures[name] = .int(Int64(value))
    }

    /// True when there were steps and every one held.
    var succeeded: Bool { !steps.isEmpty && steps.allSatisfy(\.holds) }

    var json: JSONValue {
        [
            "ok": .bool(succeeded),
            "steps": .object(Dictionary(steps.map { ($0.name, .bool($0.holds)) }) { first, _ in first }),
            "figures": .object(figures),
        ]
    }
}
