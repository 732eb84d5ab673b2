/// One frame of a watch (Kubernetes API convention `metav1.WatchEvent`).
public enum WatchEvent<Object: Sendable>: Sendable {
    case added(Object)
    case modified(Object)
    /// The object as it was when it was deleted, or when it stopped to match the selector.
    case deleted(Object)
    /// Every change of this type up to this version has been sent. Not the version of the whole cluster.
    case bookmark(resourceVersion: String)
    /// The watch is over; code 410 means that its version is too old.
    case error(Status)
}

extension WatchEvent: JSONReadable where Object: JSONReadable {
    public init(reading json: inout JSONReader) throws {
        var type: String?
        var object: JSONReader?
        try json.object(EventMember.all) { member, json in
            switch member {
            case .type: type = try json.string()
            case .object:
                // What it is the type says, which may come later.
                object = json
                try json.skip()
            }
        }
        guard let type, var object else { throw json.failure("an incomplete event") }
        switch type {
        case "ADDED": self = .added(try Object(reading: &object))
        case "MODIFIED": self = .modified(try Object(reading: &object))
        case "DELETED": self = .deleted(try Object(reading: &object))
        case "BOOKMARK":
            let bookmark = try PartialObjectMetadata(reading: &object)
            guard let version = bookmark.metadata.resourceVersion else { throw json.failure("an empty bookmark") }
            self = .bookmark(resourceVersion: version)
        case "ERROR": self = .error(try Status(reading: &object))
        default: throw json.failure("an event of unknown type")
        }
    }
}

private enum EventMember: CodingKey, CaseIterable {
    case type, object

    static let all = JSONMembers<Self>()
}

extension WatchEvent: Equatable where Object: Equatable {}
