public import Basics

/// A change to an object, in one of the formats that the API server takes for every kind.
public enum Patch: Hashable, Sendable {
    case json(JSONPatch)
    case merge(MergePatch)

    /// The media type that tells the server which format it is.
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

/// A JSON Patch document (RFC 6902): operations that the server applies all together or not at all.
///
/// A failed `test` and a missing path both come back as 422 without telling which it was, so a caller that needs to
/// know has to read the object. `add` below a missing `annotations` map fails; a ``MergePatch`` makes the map.
public struct JSONPatch: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// One change or check.
    public enum Operation: Hashable, Sendable {
        /// Fails the whole patch unless the member has this value.
        case test(JSONPointer, JSONValue)
        /// Sets a member, whether it exists or not; what holds it must exist.
        case add(JSONPointer, JSONValue)
        /// Sets a member that exists.
        case replace(JSONPointer, JSONValue)
        /// Removes a member that exists.
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

    /// Points at the member reached by `tokens`, for example
    /// `JSONPointer("metadata", "annotations", "agentweaver.dev/preview-run")`.
    public init(_ tokens: String...) {
        self.tokens = tokens
    }

    /// Points at the member `token` of what this pointer names.
    public func appending(_ token: String) -> JSONPointer {
        JSONPointer(tokens: tokens + [token])
    }

    /// The annotation `key` of an object.
    public static func annotation(_ key: String) -> JSONPointer {
        JSONPointer("metadata", "annotations", key)
    }

    /// The label `key` of an object.
    public static func label(_ key: String) -> JSONPointer {
        JSONPointer("metadata", "labels", key)
    }

    /// The pointer's text, in which `~` is written `~0` and `/` is written `~1`.
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

/// A JSON merge patch (RFC 7396): members replace the object's, `null` removes them, maps are made where missing.
public struct MergePatch: Hashable, Sendable, Encodable {
    public var document: JSONValue

    public init(_ document: JSONValue) {
        self.document = document
    }

    /// Sets annotations, or removes those whose value is `nil`.
    ///
    /// - Parameters:
    ///   - annotations: The annotations to change.
    ///   - resourceVersion: If given, the server answers 409 `Conflict` when the object has another version.
    public static func annotations(_ annotations: [String: String?], resourceVersion: String? = nil) -> MergePatch {
        metadata("annotations", annotations, resourceVersion)
    }

    /// Sets labels, or removes those whose value is `nil`.
    ///
    /// - Parameters:
    ///   - labels: The labels to change.
    ///   - resourceVersion: If given, the server answers 409 `Conflict` when the object has another version.
    public static func labels(_ labels: [String: String?], resourceVersion: String? = nil) -> MergePatch {
        metadata("labels", labels, resourceVersion)
    }

    private static func metadata(_ map: String, _ members: [String: String?], _ resourceVersion: String?) -> MergePatch
    {
        var metadata: [String: JSONValue] = [map: .object(members.mapValues { $0.map { .string($0) } ?? .null })]
        if let resourceVersion {
            metadata["resourceVersion"] = .string(resourceVersion)
        }
        return MergePatch(["metadata": .object(metadata)])
    }

    public func encode(to encoder: any Encoder) throws {
        try document.encode(to: encoder)
    }
}
