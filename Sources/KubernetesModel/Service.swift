/// A core/v1 Service.
public struct Service: KubernetesObject, Hashable {
    public static let resource = APIResource(group: "", versions: ["v1"], plural: "services", kind: "Service")

    public var metadata: ObjectMeta
    public var spec: Spec

    public init(metadata: ObjectMeta, spec: Spec) {
        self.metadata = metadata
        self.spec = spec
    }

    /// The pods that receive the Service's traffic, and its ports.
    public struct Spec: Hashable, Sendable {
        /// The type, such as `ClusterIP`.
        public var type: String?
        /// The labels of the pods that receive the traffic.
        public var selector: [String: String]
        public var ports: [Port]

        public init(
            type: String? = nil,
            selector: [String: String] = [:],
            ports: [Port] = []
        ) {
            self.type = type
            self.selector = selector
            self.ports = ports
        }
    }

    /// A port of the Service and its target.
    public struct Port: Codable, Hashable, Sendable {
        public var name: String?
        /// The protocol; `TCP` if absent.
        public var `protocol`: String?
        public var appProtocol: String?
        public var port: Int
        /// The port of the pods; ``port`` if absent.
        public var targetPort: PortReference?

        public init(
            name: String? = nil,
            protocol: String? = nil,
            appProtocol: String? = nil,
            port: Int,
            targetPort: PortReference? = nil
        ) {
            self.name = name
            self.protocol = `protocol`
            self.appProtocol = appProtocol
            self.port = port
            self.targetPort = targetPort
        }
    }

    /// A pod's port, as a number or as the name of a container port (`intstr.IntOrString`).
    public enum PortReference: Codable, Hashable, Sendable {
        case number(Int)
        case name(String)

        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .number(number)
            } else {
                self = .name(try container.decode(String.self))
            }
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let number): try container.encode(number)
            case .name(let name): try container.encode(name)
            }
        }
    }
}

extension Service {
    private enum CodingKeys: String, CodingKey {
        case metadata, spec
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try container.decode(ObjectMeta.self, forKey: .metadata)
        spec = try container.decodeIfPresent(Spec.self, forKey: .spec) ?? Spec()
    }
}

extension Service.Spec: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, selector, ports
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        type = try container.decodeIfPresent(String.self, forKey: .type)
        selector = try container.decodeIfPresent([String: String].self, forKey: .selector) ?? [:]
        ports = try container.decodeListIfPresent(Service.Port.self, forKey: .ports)
    }
}
