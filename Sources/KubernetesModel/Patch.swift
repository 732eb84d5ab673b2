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
