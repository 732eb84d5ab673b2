import Foundation

extension Collection<Double> {
    var median: Double { percentile(0.5) }

    /// The value that this part of all values does not exceed (nearest rank).
    func percentile(_ part: Double) -> Double {
        guard !isEmpty else { return .nan }
        let rank = Int((part * Double(count)).rounded(.up))
        return sorted()[Swift.min(Swift.max(rank, 1), count) - 1]
    }
}

/// The growth of a figure with the number of previews: the exponent k of the best fit of c·nᵏ, by least squares of the
/// logarithms.
func growthExponent(_ points: [(n: Int, value: Double)]) -> Double {
    let logarithms = points.map { (x: log(Double($0.n)), y: log($0.value)) }
    let count = Double(logarithms.count)
    let meanX = logarithms.map(\.x).reduce(0, +) / count
    let meanY = logarithms.map(\.y).reduce(0, +) / count
    let covariance = logarithms.map { ($0.x - meanX) * ($0.y - meanY) }.reduce(0, +)
    let variance = logarithms.map { ($0.x - meanX) * ($0.x - meanX) }.reduce(0, +)
    return covariance / variance
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
}
