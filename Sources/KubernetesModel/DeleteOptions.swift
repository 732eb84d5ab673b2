/// What must be true of an object for a delete to happen (`metav1.Preconditions`); otherwise the answer is 409.
///
/// There is no empty value: a delete always says which object it means.
public struct Preconditions: Codable, Hashable, Sendable {
    /// The object's identity, so that a new object of the same name survives.
    public let uid: String?
    /// The version that was judged, so that an object changed since survives.
    public let resourceVersion: String?

    /// Requires the identity and, if given, also the version.
    public init(uid: String, resourceVersion: String? = nil) {
        self.uid = uid
        self.resourceVersion = resourceVersion
    }

    /// Requires the version.
    public init(resourceVersion: String) {
        uid = nil
        self.resourceVersion = resourceVersion
    }

    /// Requires exactly the object that `metadata` was read from, unchanged.
    ///
    /// - Returns: `nil` if `metadata` did not come from a server and lacks either member.
    public init?(exactly metadata: ObjectMeta) {
        guard let uid = metadata.uid, let resourceVersion = metadata.resourceVersion else { return nil }
        self.init(uid: uid, resourceVersion: resourceVersion)
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

/// The answer to a delete: a `Status` when the object is gone, the object itself when it is not, or was not just now.
package struct DeleteAnswer: Hashable, Sendable {
    /// Whether the object stays until its grace period is over and its finalizers are done.
    package let isPending: Bool
}

extension DeleteAnswer: JSONReadable {
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
                // Whose it is the kind says, which may come later.
                metadata = json
                try json.skip()
            }
        }
        guard kind != "Status" else {
            isPending = false
            return
        }
        guard var metadata else { throw json.failure("an answer without metadata") }
        isPending = try ObjectMeta(reading: &metadata).isBeingDeleted
    }
}
