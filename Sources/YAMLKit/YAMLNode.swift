/// A value in a YAML document, with aliases and merge keys resolved.
public enum YAMLNode: Hashable, Sendable {
    /// A scalar.
    ///
    /// - Parameter isPlain: Whether the type is resolved from the text. Otherwise the scalar is a string.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([String: YAMLNode])
}

extension YAMLNode {
    /// Parses a text with at most one document.
    ///
    /// - Parameter bytes: The text in UTF-8. JSON is a subset of YAML.
    /// - Returns: `nil` if there is no document: the text is empty, or contains only comments.
    /// - Throws: ``YAMLError`` if the text is malformed, exceeds a limit or contains a second document.
    public static func document(in bytes: some Collection<UInt8>) throws(YAMLError) -> YAMLNode? {
        try YAMLReader.read(Array(bytes), maxDocuments: 1).first
    }

    /// Parses a text with any number of documents.
    ///
    /// - Throws: ``YAMLError`` if the text is malformed or exceeds a limit.
    public static func documents(in bytes: some Collection<UInt8>) throws(YAMLError) -> [YAMLNode] {
        try YAMLReader.read(Array(bytes), maxDocuments: .max)
    }

    /// The text of a scalar of any type; `nil` for other values.
    public var text: String? {
        if case .scalar(let text, _) = self { text } else { nil }
    }

    /// Whether this is the scalar `null`, which may also be written as `~` or left empty.
    public var isNull: Bool {
        if case .scalar(let text, isPlain: true) = self { CoreSchema.json(text) == "null" } else { false }
    }

    /// The elements of a sequence; `nil` for other values.
    public var elements: [YAMLNode]? {
        if case .sequence(let elements) = self { elements } else { nil }
    }

    /// The member of a mapping; `nil` if it does not exist or this is not a mapping.
    public subscript(key: String) -> YAMLNode? {
        if case .mapping(let members) = self { members[key] } else { nil }
    }
}

/// The reason for which a text is rejected. It contains nothing of the text, which may contain secrets.
public struct YAMLError: Error, Hashable, CustomStringConvertible {
    public let problem: String
    /// The line, counted from 1.
    public let line: Int
    /// The column in characters, counted from 1.
    public let column: Int

    public var description: String { "line \(line), column \(column): \(problem)" }
}
