public import Basics

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
