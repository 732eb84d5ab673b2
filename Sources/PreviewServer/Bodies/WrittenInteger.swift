/// A whole number in JSON, which some callers write as text: `3000` or `"3000"`.
struct WrittenInteger: Decodable {
    let value: Int

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self), let number = Int(digits: text) {
            value = number
        } else {
            value = try container.decode(Int.self)
        }
    }
}

extension Int {
    /// The number that `text` writes in decimal digits and nothing else: no sign, no spaces, no point.
    init?(digits text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        self.init(text)
    }
}
