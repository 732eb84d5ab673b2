/// A sandbox (agents.x-k8s.io; v1beta1 in agent-sandbox 0.5, v1alpha1 in 0.4).
public struct Sandbox: KubernetesObject, Hashable {
    public static let resource = APIResource(
        group: "agents.x-k8s.io",
        versions: ["v1beta1", "v1alpha1"],
        plural: "sandboxes",
        kind: "Sandbox"
    )

    public var metadata: ObjectMeta
    public var status: Status

    public init(metadata: ObjectMeta, status: Status = Status()) {
        self.metadata = metadata
        self.status = status
    }

    /// What is known about the sandbox.
    public struct Status: Hashable, Sendable {
        public var conditions: [Condition]
        /// The label selector of the sandbox's pod, as text.
        public var selector: String?

        public init(conditions: [Condition] = [], selector: String? = nil) {
            self.conditions = conditions
            self.selector = selector
        }
    }
}

extension Sandbox {
    private enum CodingKeys: String, CodingKey {
        case metadata, status
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try container.decode(ObjectMeta.self, forKey: .metadata)
        status = try container.decodeIfPresent(Status.self, forKey: .status) ?? Status()
    }
}

extension Sandbox.Status: Codable {
    private enum CodingKeys: String, CodingKey {
        case conditions, selector
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        conditions = try container.decodeListIfPresent(Condition.self, forKey: .conditions)
        selector = try container.decodeIfPresent(String.self, forKey: .selector)
    }
}
