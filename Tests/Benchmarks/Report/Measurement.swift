/// One figure.
struct Measurement: Codable, Sendable {
    /// The target with which a figure is compared.
    struct Target: Codable, Sendable {
        enum Bound: String, Codable, Sendable {
            case atMost = "at_most"
            case atLeast = "at_least"
        }

        let bound: Bound
        let value: Double

        static func atMost(_ value: Double) -> Target { Target(bound: .atMost, value: value) }
        static func atLeast(_ value: Double) -> Target { Target(bound: .atLeast, value: value) }

        func isMet(by figure: Double) -> Bool {
            switch bound {
            case .atMost: figure <= value
            case .atLeast: figure >= value
            }
        }
    }

    /// One of the two values that a ratio compares.
    struct Side: Codable, Sendable {
        let name: String
        let value: Double
        let unit: String
    }

    let name: String
    /// The cluster or server of the measurement: `development`, `real`, `simulated` or `loopback`.
    let place: String
    /// The circumstances, for example the number of previews; may be empty.
    let condition: String
    let value: Double
    let unit: String
    let target: Target?
    /// Whether the target is met; `nil` if there is none.
    let met: Bool?
    let sides: [Side]

    init(
        _ name: String,
        on place: String,
        _ condition: String = "",
        value: Double,
        unit: String,
        target: Target? = nil,
        sides: [Side] = []
    ) {
        self.name = name
        self.place = place
        self.condition = condition
        self.value = value
        self.unit = unit
        self.target = target
        met = target?.isMet(by: value)
        self.sides = sides
    }

    /// The ratio of `numerator` to `denominator`.
    static func ratio(
        _ name: String,
        on place: String,
        _ condition: String = "",
        of numerator: Side,
        to denominator: Side,
        target: Target?
    ) -> Measurement {
        Measurement(
            name,
            on: place,
            condition,
            value: numerator.value / denominator.value,
            unit: "",
            target: target,
            sides: [numerator, denominator]
        )
    }
}
