/// What a demonstration found: results that must hold, and figures beside their targets.
struct DemoReport: Sendable {
    /// A measured value and the value to stay under.
    struct Figure: Sendable, Hashable {
        /// The name, the unit last.
        let name: String
        let value: Double
        let target: Double

        var isMet: Bool { value < target }
    }

    /// Facts, by name, in the order in which they were found.
    private(set) var results: [(name: String, value: JSONValue)] = []
    private(set) var figures: [Figure] = []
    /// The requests to the API server of each step.
    private(set) var apiRequests: [(step: String, count: Int)] = []
    /// What did not hold.
    private(set) var failures: [String] = []

    /// Notes a fact, and whether it is as it must be.
    mutating func note(_ name: String, _ value: JSONValue, holds: Bool) {
        results.append((name, value))
        if !holds { failures.append(name) }
    }

    /// Notes a measured value; `nil` was not measurable here and is left out.
    mutating func measure(_ name: String, _ value: Double?, target: Double) {
        guard let value else { return }
        figures.append(Figure(name: name, value: (value * 10).rounded() / 10, target: target))
    }

    mutating func count(_ step: String, _ requests: Int) { apiRequests.append((step, requests)) }

    /// True if every result is as it must be. Figures do not count: a busy machine is not a broken service.
    var holds: Bool { failures.isEmpty }

    /// The figures for a person to read, a line each.
    var table: String {
        figures.map { figure in
            let mark = figure.isMet ? "met" : "missed"
            return
                "  \(figure.name.padded(to: 16)) \(String(figure.value).padded(to: 8)) target < \(figure.target)  \(mark)"
        }.joined(separator: "\n")
    }

    /// The report as one JSON object.
    var json: JSONValue {
        var object: JSONValue = ["ok": .bool(holds), "failed": .array(failures.map(JSONValue.string))]
        for (name, value) in results { object[name] = value }
        for figure in figures {
            object["figures", figure.name] = [
                "value": .double(figure.value), "target": .double(figure.target), "met": .bool(figure.isMet),
            ]
        }
        for (step, count) in apiRequests { object["api_requests", step] = .int(Int64(count)) }
        return object
    }

}

extension String {
    /// The text with spaces up to a width.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
