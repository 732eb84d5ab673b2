public import Basics

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
