/// A core/v1 Pod, with the members that previews need.
public struct Pod: KubernetesObject, Hashable {
    public static let resource = APIResource(group: "", versions: ["v1"], plural: "pods", kind: "Pod")

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: Status

    public init(metadata: ObjectMeta, spec: Spec = Spec(), status: Status = Status()) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    /// The containers of the pod.
    public struct Spec: Hashable, Sendable {
        public var containers: [Container]

        public init(containers: [Container] = []) {
            self.containers = containers
        }
    }

    /// A container of a pod.
    public struct Container: Codable, Hashable, Sendable {
        public var name: String
        public var image: String?

        public init(name: String, image: String? = nil) {
            self.name = name
            self.image = image
        }
    }

    /// The observed state of the pod.
    public struct Status: Hashable, Sendable {
        /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
        public var phase: String?
        public var conditions: [Condition]

        public init(phase: String? = nil, conditions: [Condition] = []) {
            self.phase = phase
            self.conditions = conditions
        }

        /// Whether all containers have ended and will not be restarted.
        public var isTerminal: Bool { phase == "Succeeded" || phase == "Failed" }
    }
}

extension Pod {
    private enum CodingKeys: String, CodingKey {
        case metadata, spec, status
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try container.decode(ObjectMeta.self, forKey: .metadata)
        spec = try container.decodeIfPresent(Spec.self, forKey: .spec) ?? Spec()
        status = try container.decodeIfPresent(Status.self, forKey: .status) ?? Status()
    }
}

extension Pod.Spec: Codable {
    private enum CodingKeys: String, CodingKey {
        case containers
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        containers = try container.decodeListIfPresent(Pod.Container.self, forKey: .containers)
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
