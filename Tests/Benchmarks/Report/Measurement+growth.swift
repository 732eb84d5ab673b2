extension Measurement {
    /// How a figure grows with the number of previews.
    ///
    /// - Parameters:
    ///   - points: The figure for each number of previews.
    ///   - bound: The largest exponent that is what it should be; `nil` only reports it.
    static func growth(
        _ name: String,
        on place: String,
        _ points: [(n: Int, value: Double)],
        atMost bound: Double?
    ) -> Measurement {
        let isConstant = Set(points.map(\.value)).count == 1
        let sizes = points.map { FigureFormat.text(Double($0.n)) }.joined(separator: "; ")
        return Measurement(
            "\(name).growth",
            on: place,
            "\(sizes) previews",
            value: isConstant ? 0 : growthExponent(points),
            unit: "exponent of n",
            target: bound.map { .atMost($0) }
        )
    }
}
