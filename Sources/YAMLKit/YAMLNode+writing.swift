extension YAMLNode {
    /// The value as JSON on one line, with the members of objects sorted by name.
    public var json: String {
        switch self {
        case .scalar(let text, let isPlain): return (isPlain ? CoreSchema.json(text) : nil) ?? Self.quoted(text)
        case .sequence(let elements): return "[\(elements.map(\.json).joined(separator: ","))]"
        case .mapping(let members):
            let texts = members.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)):\($0.value.json)" }
            return "{\(texts.joined(separator: ","))}"
        }
    }

    /// The value as YAML in the format of kubectl: in block style, with the members of mappings sorted by name.
    public var yaml: String { lines.joined(separator: "\n") }

    private var lines: [String] {
        switch self {
        case .scalar(let text, let isPlain): [isPlain && CoreSchema.json(text) != nil ? json : Self.string(text)]
        case .sequence([]): ["[]"]
        case .mapping([:]): ["{}"]
        case .sequence(let elements):
            elements.flatMap { element in
                element.lines.enumerated().map { $0.offset == 0 ? "- \($0.element)" : "  \($0.element)" }
            }
        case .mapping(let members):
            members.sorted { $0.key < $1.key }.flatMap { key, value in
                let key = Self.string(key)
                // A key of more than 1,024 characters must be explicit (YAML 1.2.2, 8.2.2).
                let head = key.unicodeScalars.count > 1000 ? ["? \(key)", ":"] : ["\(key):"]
                switch value {
                case .sequence(let elements) where !elements.isEmpty: return head + value.lines
                case .mapping(let members) where !members.isEmpty: return head + value.lines.map { "  \($0)" }
                default: return head.dropLast() + ["\(head[head.count - 1]) \(value.lines[0])"]
                }
            }
        }
    }

    /// A string in YAML. It is quoted unless every reader, including those of YAML 1.1, reads it as a string.
    private static func string(_ text: String) -> String {
        let words: Set = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
        let marks = Set(" _./-+@()%=,:?&")
        let isPlain =
            text.first.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "/") } == true
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || marks.contains($0)) }
            && !text.hasSuffix(" ") && !text.hasSuffix(":") && !text.contains(": ")
            && !words.contains(text.lowercased()) && CoreSchema.json(text) == nil
            // Times, and YAML 1.1's numbers with colons and underscores.
            && !text.allSatisfy { $0.isNumber || "_.:+-tTzZ ".contains($0) }
            && !(text.hasPrefix("0b") && text.dropFirst(2).allSatisfy { "01_".contains($0) })
        return isPlain ? text : quoted(text)
    }

    /// A string in JSON. Characters that YAML does not accept or interprets as line breaks are escaped.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C:
                result += "\\"
                result.unicodeScalars.append(scalar)
            case 0x0A: result += "\\n"
            case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
