/// A claim for a sandbox (extensions.agents.x-k8s.io; v1beta1 in agent-sandbox 0.5, v1alpha1 in 0.4, or what a later release
/// serves).
///
/// Only the metadata and the status are read, which are the same in both versions. There is no `status.phase`.
public struct SandboxClaim: KubernetesObject, Hashable {
    public static let resource = APIResource(
        group: "extensions.agents.x-k8s.io",
        versions: ["v1beta1", "v1alpha1"],
        plural: "sandboxclaims",
        kind: "SandboxClaim",
        neededFields: ["status.conditions", "status.sandbox.name"]
    )

    public var metadata: ObjectMeta
    public var status: Status

    public init(metadata: ObjectMeta, status: Status = Status()) {
        self.metadata = metadata
        self.status = status
    }

    /// The sandbox to which the claim is bound, and the claim's conditions.
    public struct Status: Hashable, Sendable {
        /// The conditions, such as `Ready`.
        public var conditions: [Condition]
        public var sandbox: SandboxReference?

        public init(conditions: [Condition] = [], sandbox: SandboxReference? = nil) {
            self.conditions = conditions
            self.sandbox = sandbox
        }
    }

    /// A reference to the sandbox that fulfils the claim.
    public struct SandboxReference: Codable, Hashable, Sendable {
        /// The name of the Sandbox; absent before there is one.
        public var name: String?

        public init(name: String?) {
            self.name = name
        }
    }
}

extension SandboxClaim {
    private enum CodingKeys: String, CodingKey {
        case metadata, status
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try container.decode(ObjectMeta.self, forKey: .metadata)
        status = try container.decodeIfPresent(Status.self, forKey: .status) ?? Status()
    }
}

extension SandboxClaim.Status: Codable {
    private enum CodingKeys: String, CodingKey {
        case conditions, sandbox
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        conditions = try container.decodeListIfPresent(Condition.self, forKey: .conditions)
        sandbox = try container.decodeIfPresent(SandboxClaim.SandboxReference.self, forKey: .sandbox)
    }
}

/// A sandbox (agents.x-k8s.io; v1beta1 in agent-sandbox 0.5, v1alpha1 in 0.4, or what a later release serves).
///
/// Only the metadata is read: an annotation contains the pod's name, and the claim is the owner.
public struct Sandbox: KubernetesObject, Hashable {
    public static let resource = APIResource(
        group: "agents.x-k8s.io",
        versions: ["v1beta1", "v1alpha1"],
        plural: "sandboxes",
        kind: "Sandbox",
        neededFields: []
    )

    public var metadata: ObjectMeta

    public init(metadata: ObjectMeta) {
        self.metadata = metadata
    }
}
