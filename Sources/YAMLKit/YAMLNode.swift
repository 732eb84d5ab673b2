/// A value of a YAML document, with aliases and merge keys resolved.
public enum YAMLNode: Hashable, Sendable {
    /// A scalar.
    ///
    /// - Parameter isPlain: Whether its type follows from its text; if not, it is a string.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([String: YAMLNode])
}

extension YAMLNode {
    /// Reads a text of at most one document.
    ///
    /// - Parameter bytes: UTF-8. JSON is YAML too.
    /// - Returns: `nil` where there is no document: the text is empty, or has nothing but comments.
    /// - Throws: ``YAMLError``, also for a second document.
    public static func document(in bytes: some Collection<UInt8>) throws(YAMLError) -> YAMLNode? {
        try YAMLReader.read(Array(bytes), maxDocuments: 1).first
    }

    /// Reads a text of any number of documents.
    ///
    /// - Throws: ``YAMLError``.
    public static func documents(in bytes: some Collection<UInt8>) throws(YAMLError) -> [YAMLNode] {
        try YAMLReader.read(Array(bytes), maxDocuments: .max)
    }

    /// The text of a scalar, whatever its type; `nil` for everything else.
    public var text: String? {
        if case .scalar(let text, _) = self { text } else { nil }
    }

    /// Whether this is the scalar `null`, also spelled `~` or left out.
    public var isNull: Bool {
        if case .scalar(let text, isPlain: true) = self { CoreSchema.json(text) == "null" } else { false }
    }

    /// The elements of a sequence; `nil` for everything else.
    public var elements: [YAMLNode]? {
        if case .sequence(let elements) = self { elements } else { nil }
    }

    /// The member of a mapping, or `nil`.
    public subscript(key: String) -> YAMLNode? {
        if case .mapping(let members) = self { members[key] } else { nil }
    }
}

/// Why a text is refused. It quotes nothing of the text, which may hold secrets.
public struct YAMLError: Error, Hashable, CustomStringConvertible {
    public let problem: String
    /// Where it was noticed, counted from 1.
    public let line: Int
    /// Where in the line it was noticed, in characters and counted from 1.
    public let column: Int

    public var description: String { "line \(line), column \(column): \(problem)" }
}
