public import YAMLKit

extension YAMLNode {
    /// The objects in a text's documents, as dictionaries, arrays, strings, numbers and Booleans; null values are
    /// omitted.
    public static func objects(in text: String) throws -> [[String: Any]] {
        try documents(in: text.utf8).compactMap { $0.value as? [String: Any] }
    }

    private var value: Any? {
        switch self {
        case .mapping(let members): return members.compactMapValues(\.value)
        case .sequence(let elements): return elements.compactMap(\.value)
        case .scalar(let text, _):
            let json = json
            guard !isNull, !json.hasPrefix("\"") else { return isNull ? nil : text }
            if let integer = Int(json) { return integer }
            return Double(json).map { $0 as Any } ?? Bool(json)
        }
    }
}
