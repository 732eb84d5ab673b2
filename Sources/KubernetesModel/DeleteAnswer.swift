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
