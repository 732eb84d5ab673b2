public import Basics

/// A patch of an object, in a format that the API server accepts for every kind.
public enum Patch: Hashable, Sendable {
    case json(JSONPatch)
    case merge(MergePatch)

    /// The media type of the format.
    public var contentType: String {
        switch self {
        case .json: "application/json-patch+json"
        case .merge: "application/merge-patch+json"
        }
    }
}

extension Patch: Encodable {
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .json(let patch): try patch.encode(to: encoder)
        case .merge(let patch): try patch.encode(to: encoder)
        }
    }
}

/// A JSON Patch (RFC 6902): operations that the API server applies completely or not at all.
///
/// A failed `test` and a missing path both result in 422 without a distinction, so a caller that needs it must read the object.
/// `add` fails below a missing map `annotations`; a ``MergePatch`` creates the map.
public struct JSONPatch: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// One operation.
    public enum Operation: Hashable, Sendable {
        /// Fails the whole patch unless the member has this value.
        case test(JSONPointer, JSONValue)
        /// Sets a member, whether it exists or not. Its parent must exist.
        case add(JSONPointer, JSONValue)
        /// Sets an existing member.
        case replace(JSONPointer, JSONValue)
        /// Removes an existing member.
        case remove(JSONPointer)
    }

    public var operations: [Operation]

    public init(_ operations: [Operation]) {
        self.operations = operations
    }

    public init(arrayLiteral elements: Operation...) {
        operations = elements
    }
}

extension JSONPatch: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for operation in operations {
            try container.encode(operation)
        }
    }
}

extension JSONPatch.Operation: Encodable {
    private enum CodingKeys: String, CodingKey {
        case op, path, value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .test(let path, let value): try Self.encode("test", path, value, into: &container)
        case .add(let path, let value): try Self.encode("add", path, value, into: &container)
        case .replace(let path, let value): try Self.encode("replace", path, value, into: &container)
        case .remove(let path): try Self.encode("remove", path, nil, into: &container)
        }
    }

    private static func encode(
        _ name: String,
        _ path: JSONPointer,
        _ value: JSONValue?,
        into container: inout KeyedEncodingContainer<CodingKeys>
    ) throws {
        try container.encode(name, forKey: .op)
        try container.encode(path.description, forKey: .path)
        try container.encodeIfPresent(value, forKey: .value)
    }
}

/// The path to a member of a JSON document (RFC 6901).
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// The unescaped reference tokens from the root.
    public let tokens: [String]

    /// A pointer to the member reached by `tokens`, for example `JSONPointer("metadata", "annotations",
    /// "agentweaver.dev/preview-run")`.
    public init(_ tokens: String...) {
        self.tokens = tokens
    }

    /// A pointer to the member `token` of the value to which this pointer refers.
    public func appending(_ token: String) -> JSONPointer {
        JSONPointer(tokens: tokens + [token])
    }

    /// A pointer to the annotation `key` of an object.
    public static func annotation(_ key: String) -> JSONPointer {
        JSONPointer("metadata", "annotations", key)
    }

    /// The text of the pointer, in which `~` is written as `~0` and `/` as `~1` (RFC 6901 section 3).
    public var description: String {
        tokens.map { token in
            var escaped = "/"
            for character in token.unicodeScalars {
                switch character {
                case "~": escaped += "~0"
                case "/": escaped += "~1"
                default: escaped.unicodeScalars.append(character)
                }
            }
            return escaped
        }.joined()
    }

    private init(tokens: [String]) {
        self.tokens = tokens
    }
}

/// A JSON merge patch (RFC 7396): members replace the object's, `null` removes them, and missing maps are created.
public struct MergePatch: Hashable, Sendable, Encodable {
    public var document: JSONValue

    public init(_ document: JSONValue) {
        self.document = document
    }

    /// Sets annotations, or removes those whose value is `nil`.
    ///
    /// - Parameters:
    ///   - annotations: The annotations to change.
    ///   - resourceVersion: If given, the API server responds with 409 if the object has another version.
    public static func annotations(_ annotations: [String: String?], resourceVersion: String? = nil) -> MergePatch {
        let members = annotations.mapValues { $0.map { JSONValue.string($0) } ?? .null }
        var metadata: [String: JSONValue] = ["annotations": .object(members)]
        if let resourceVersion {
            metadata["resourceVersion"] = .string(resourceVersion)
        }
        return MergePatch(["metadata": .object(metadata)])
    }

    public func encode(to encoder: any Encoder) throws {
        try document.encode(to: encoder)
    }
}
