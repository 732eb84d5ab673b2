/// One event of a watch (`metav1.WatchEvent`).
public enum WatchEvent<Object: Sendable>: Sendable {
    case added(Object)
    case modified(Object)
    /// The state of the object when it was deleted or stopped matching the selector.
    case deleted(Object)
    /// All changes of this resource up to this version have been sent.
    case bookmark(resourceVersion: String)
    /// The watch has ended with an error; the code 410 means that its version is too old.
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
                // The member `type` determines how this is read, and may come later.
                object = json
                try json.skip()
            }
        }
        guard let type, var object else { throw json.failure("the event is incomplete") }
        switch type {
        case "ADDED": self = .added(try Object(reading: &object))
        case "MODIFIED": self = .modified(try Object(reading: &object))
        case "DELETED": self = .deleted(try Object(reading: &object))
        case "BOOKMARK":
            let bookmark = try PartialObjectMetadata(reading: &object)
            guard let version = bookmark.metadata.resourceVersion else { throw json.failure("the bookmark is empty") }
            self = .bookmark(resourceVersion: version)
        case "ERROR": self = .error(try Status(reading: &object))
        default: throw json.failure("the event has an unknown type")
        }
    }
}

private enum EventMember: CodingKey, CaseIterable {
    case type, object

    static let all = JSONMembers<Self>()
}

extension WatchEvent: Equatable where Object: Equatable {}
