extension Measurement {
    /// How a figure grows with a number, of previews most often.
    ///
    /// - Parameters:
    ///   - points: The figure for each number of previews.
    ///   - things: What is counted.
    ///   - bound: The largest exponent that is what it should be; `nil` only reports it.
    static func growth(
        _ name: String,
        on place: String,
        _ points: [(n: Int, value: Double)],
        of things: String = "previews",
        atMost bound: Double?
    ) -> Measurement {
        let isConstant = Set(points.map(\.value)).count == 1
        let sizes = points.map { FigureFormat.text(Double($0.n)) }.joined(separator: "; ")
        return Measurement(
            "\(name).growth",
            on: place,
            "\(sizes) \(things)",
            value: isConstant ? 0 : growthExponent(points),
            unit: "exponent of n",
            target: bound.map { .atMost($0) }
        )
    }
}
