/// The preconditions of a delete (`metav1.Preconditions`). If the object does not meet them, the API server responds with 409.
public struct Preconditions: Codable, Hashable, Sendable {
    /// The UID, so that a new object with the same name is not deleted.
    public let uid: String
    /// The version that was evaluated, so that an object that has changed since is not deleted.
    public let resourceVersion: String?

    /// Requires the UID and, if given, the version.
    public init(uid: String, resourceVersion: String? = nil) {
        self.uid = uid
        self.resourceVersion = resourceVersion
    }
}

/// The body of a delete request (`metav1.DeleteOptions`).
public struct DeleteOptions: Codable, Hashable, Sendable {
    public let apiVersion: String
    public let kind: String
    public let preconditions: Preconditions

    public init(preconditions: Preconditions) {
        apiVersion = "v1"
        kind = "DeleteOptions"
        self.preconditions = preconditions
    }
}

/// The response to a delete: a `Status` if the object was removed at once, or the object if its removal is pending.
package struct DeleteResponse: Hashable, Sendable {
    /// Whether the object still exists, until its grace period has passed and its finalizers are removed.
    package let isPending: Bool
}

extension DeleteResponse: JSONReadable {
    private enum CodingKeys: CodingKey, CaseIterable {
        case kind, metadata
    }

    private static let members = JSONMembers<CodingKeys>()

    package init(reading json: inout JSONReader) throws {
        var kind: String?
        var metadata: JSONReader?
        try json.object(Self.members) { member, json in
            switch member {
            case .kind: kind = try json.ifPresent { try $0.string() }
            case .metadata:
                // The member `kind` determines how this is read, and may come later.
                metadata = json
                try json.skip()
            }
        }
        guard kind != "Status" else {
            isPending = false
            return
        }
        guard var metadata else { throw json.failure("the object has no metadata") }
        isPending = try ObjectMeta(reading: &metadata).isBeingDeleted
    }
}
