/// The identity of one version of an object. Objects with the same name, UID and resourceVersion have the same content
/// (Kubernetes API concepts, "Resource versions").
public struct ObjectVersion: Hashable, Sendable {
    public let name: String
    public let uid: String
    public let resourceVersion: String

    public init(name: String, uid: String, resourceVersion: String) {
        self.name = name
        self.uid = uid
        self.resourceVersion = resourceVersion
    }
}

extension ObjectVersion {
    private enum ObjectMember: CodingKey, CaseIterable {
        case metadata

        static let all = JSONMembers<Self>()
    }

    private enum MetadataMember: CodingKey, CaseIterable {
        case name, uid, resourceVersion

        static let all = JSONMembers<Self>()
    }

    /// Skips an object and reads its version; `nil` if a member is missing.
    init?(skipping json: inout JSONReader) throws {
        var name: String?
        var uid: String?
        var resourceVersion: String?
        try json.object(ObjectMember.all) { _, json in
            try json.object(MetadataMember.all) { member, json in
                let text = try json.ifPresent { try $0.string() }
                switch member {
                case .name: name = text
                case .uid: uid = text
                case .resourceVersion: resourceVersion = text
                }
            }
        }
        guard let name, let uid, let resourceVersion else { return nil }
        self.init(name: name, uid: uid, resourceVersion: resourceVersion)
    }
}
