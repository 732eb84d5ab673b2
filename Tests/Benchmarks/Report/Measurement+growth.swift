extension Measurement {
    /// The growth of a figure with a number, usually that of previews.
    ///
    /// - Parameters:
    ///   - points: The figure for each number of previews.
    ///   - things: The things that are counted.
    ///   - bound: The largest allowed exponent; `nil` only reports it.
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
