/// A core/v1 Pod, with the members that previews need.
public struct Pod: KubernetesObject, Hashable {
    public static let resource = APIResource(group: "", versions: ["v1"], plural: "pods", kind: "Pod")

    public var metadata: ObjectMeta
    public var status: Status

    public init(metadata: ObjectMeta) {
        self.metadata = metadata
        status = Status()
    }

    /// The observed state of the pod.
    public struct Status: Hashable, Sendable {
        /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
        public var phase: String?
        public var conditions: [Condition] = []

        /// Whether all containers have ended and will not be restarted.
        public var isTerminal: Bool { phase == "Succeeded" || phase == "Failed" }
    }
}

extension Pod {
    private enum CodingKeys: String, CodingKey {
        case metadata, status
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try container.decode(ObjectMeta.self, forKey: .metadata)
        status = try container.decodeIfPresent(Status.self, forKey: .status) ?? Status()
    }
}

extension Pod.Status: Codable {
    private enum CodingKeys: String, CodingKey {
        case phase, conditions
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        phase = try container.decodeIfPresent(String.self, forKey: .phase)
        conditions = try container.decodeListIfPresent(Condition.self, forKey: .conditions)
    }
}
