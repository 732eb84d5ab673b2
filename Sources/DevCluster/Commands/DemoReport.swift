/// The results of a demonstration: facts that must be true, and measurements with their targets.
struct DemoReport: Sendable {
    /// A measurement, and the value that it should be below.
    struct Figure: Sendable, Hashable {
        /// The name, with the unit as its last word.
        let name: String
        let value: Double
        let target: Double

        var isMet: Bool { value < target }
    }

    /// The facts, in the order in which they were recorded.
    private(set) var results: [(name: String, value: JSONValue)] = []
    private(set) var figures: [Figure] = []
    /// The number of requests to the API server in each step.
    private(set) var apiRequests: [(step: String, count: Int)] = []
    /// The names of the facts that are not as required.
    private(set) var failures: [String] = []

    /// Records a fact, and whether it is as required.
    mutating func record(_ name: String, _ value: JSONValue, isExpected: Bool) {
        results.append((name, value))
        if !isExpected { failures.append(name) }
    }

    /// Records a measurement; `nil` could not be measured and is omitted.
    mutating func measure(_ name: String, _ value: Double?, target: Double) {
        guard let value else { return }
        figures.append(Figure(name: name, value: (value * 10).rounded() / 10, target: target))
    }

    mutating func count(_ step: String, _ requests: Int) { apiRequests.append((step, requests)) }

    /// Whether all facts are as required. Measurements are ignored, because they depend on the load of the machine.
    var isSuccessful: Bool { failures.isEmpty }

    /// The measurements as text, one per line.
    var table: String {
        figures.map { figure in
            let mark = figure.isMet ? "met" : "missed"
            return
                "  \(figure.name.padded(to: 16)) \(String(figure.value).padded(to: 8)) target < \(figure.target)  \(mark)"
        }.joined(separator: "\n")
    }

    /// The report as a JSON object.
    var json: JSONValue {
        var object: JSONValue = ["ok": .bool(isSuccessful), "failed": .array(failures.map(JSONValue.string))]
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
    /// The text with trailing spaces up to a width.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
