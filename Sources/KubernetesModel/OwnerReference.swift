/// Names an object that another one depends on (`metav1.OwnerReference`).
///
/// The owner is in the same namespace as its dependent, or cluster-wide; garbage collection deletes the dependent once
/// no owner is left.
public struct OwnerReference: Codable, Hashable, Sendable {
    public var apiVersion: String
    public var kind: String
    public var name: String
    /// The owner's identity; a new object of the same name is no owner.
    public var uid: String
    /// Whether this owner is the managing controller.
    public var controller: Bool?
    /// Whether a foreground deletion of the owner waits for the dependent. Setting it needs an extra permission.
    public var blockOwnerDeletion: Bool?

    public init(
        apiVersion: String,
        kind: String,
        name: String,
        uid: String,
        controller: Bool? = nil,
        blockOwnerDeletion: Bool? = nil
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.controller = controller
        self.blockOwnerDeletion = blockOwnerDeletion
    }
}
