/// A reference to an object on which another one depends (`metav1.OwnerReference`).
///
/// The owner is in the same namespace as its dependent, or cluster-scoped. Garbage collection deletes the dependent when no
/// owner exists any more.
public struct OwnerReference: Codable, Hashable, Sendable {
    public var apiVersion: String
    public var kind: String
    public var name: String
    /// The owner's UID. A new object with the same name is not the owner.
    public var uid: String

    public init(apiVersion: String, kind: String, name: String, uid: String) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
    }
}

extension OwnerReference: JSONReadable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case apiVersion, kind, name, uid
    }

    private static let members = JSONMembers<CodingKeys>()

    public init(reading json: inout JSONReader) throws {
        var apiVersion, kind, name, uid: String?
        try json.object(Self.members) { member, json in
            switch member {
            case .apiVersion: apiVersion = try json.string()
            case .kind: kind = try json.string()
            case .name: name = try json.string()
            case .uid: uid = try json.string()
            }
        }
        guard let apiVersion, let kind, let name, let uid else { throw json.failure("the owner is incomplete") }
        self.init(apiVersion: apiVersion, kind: kind, name: name, uid: uid)
    }
}
