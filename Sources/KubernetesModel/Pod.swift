/// A core/v1 Pod, as far as previews need it.
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

    /// What the pod runs and where.
    public struct Spec: Hashable, Sendable {
        /// The node it was scheduled to.
        public var nodeName: String?
        public var containers: [Container]

        public init(nodeName: String? = nil, containers: [Container] = []) {
            self.nodeName = nodeName
            self.containers = containers
        }
    }

    /// One container of a pod.
    public struct Container: Hashable, Sendable {
        public var name: String
        public var image: String?
        /// The ports it declares; a process may listen on others too.
        public var ports: [Port]

        public init(name: String, image: String? = nil, ports: [Port] = []) {
            self.name = name
            self.image = image
            self.ports = ports
        }
    }

    /// A declared port.
    public struct Port: Codable, Hashable, Sendable {
        public var name: String?
        public var containerPort: Int

        public init(name: String? = nil, containerPort: Int) {
            self.name = name
            self.containerPort = containerPort
        }
    }

    /// What is known about the pod.
    public struct Status: Hashable, Sendable {
        /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
        public var phase: String?
        public var podIP: String?
        public var reason: String?
        public var conditions: [Condition]

        public init(
            phase: String? = nil,
            podIP: String? = nil,
            reason: String? = nil,
            conditions: [Condition] = []
        ) {
            self.phase = phase
            self.podIP = podIP
            self.reason = reason
            self.conditions = conditions
        }

        /// Whether the pod has ended for good.
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
        case nodeName, containers
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        nodeName = try container.decodeIfPresent(String.self, forKey: .nodeName)
        containers = try container.decodeListIfPresent(Pod.Container.self, forKey: .containers)
    }
}

extension Pod.Container: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, image, ports
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        image = try container.decodeIfPresent(String.self, forKey: .image)
        ports = try container.decodeListIfPresent(Pod.Port.self, forKey: .ports)
    }
}

extension Pod.Status: Codable {
    private enum CodingKeys: String, CodingKey {
        case phase, podIP, reason, conditions
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        phase = try container.decodeIfPresent(String.self, forKey: .phase)
        podIP = try container.decodeIfPresent(String.self, forKey: .podIP)
        reason = try container.decodeIfPresent(String.self, forKey: .reason)
        conditions = try container.decodeListIfPresent(Condition.self, forKey: .conditions)
    }
}
