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

extension WatchEvent: Decodable where Object: Decodable {
    private enum CodingKeys: String, CodingKey {
        case type, object
    }

    private struct Bookmark: Decodable {
        struct Metadata: Decodable {
            let resourceVersion: String
        }
        let metadata: Metadata
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(String.self, forKey: .type) {
        case "ADDED": self = .added(try container.decode(Object.self, forKey: .object))
        case "MODIFIED": self = .modified(try container.decode(Object.self, forKey: .object))
        case "DELETED": self = .deleted(try container.decode(Object.self, forKey: .object))
        case "BOOKMARK":
            let bookmark = try container.decode(Bookmark.self, forKey: .object)
            self = .bookmark(resourceVersion: bookmark.metadata.resourceVersion)
        case "ERROR": self = .error(try container.decode(Status.self, forKey: .object))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .type,
                in: container,
                debugDescription: "unknown type of watch event"
            )
        }
    }
}

extension WatchEvent: Equatable where Object: Equatable {}
