extension Duration {
    /// Its two largest units, in whole numbers and rounded towards zero: `2d3h`, `7h59m`, `29m12s`, `45s`.
    var short: String {
        let seconds = abs(components.seconds)
        let units: [(name: String, seconds: Int64)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]
        let largest = units.firstIndex { seconds >= $0.seconds } ?? units.count - 1
        var rest = seconds
        var text = self < .zero && seconds > 0 ? "-" : ""
        for unit in units[largest...].prefix(2) {
            let count = rest / unit.seconds
            rest %= unit.seconds
            if count > 0 || unit.seconds == units[largest].seconds { text += "\(count)\(unit.name)" }
        }
        return text
    }
}
