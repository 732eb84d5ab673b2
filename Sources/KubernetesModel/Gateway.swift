/// A gateway.networking.k8s.io/v1 Gateway.
public struct Gateway: KubernetesObject, Hashable {
    public static let resource = APIResource(
        group: "gateway.networking.k8s.io",
        versions: ["v1"],
        plural: "gateways",
        kind: "Gateway"
    )

    public var metadata: ObjectMeta
    public var spec: Spec
    /// Absent until a controller has looked at the gateway. Never set in a create.
    public var status: Status?

    public init(metadata: ObjectMeta, spec: Spec, status: Status? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    /// Which class implements the gateway, and where it listens.
    public struct Spec: Hashable, Sendable {
        public var gatewayClassName: String
        public var listeners: [Listener]

        public init(gatewayClassName: String, listeners: [Listener] = []) {
            self.gatewayClassName = gatewayClassName
            self.listeners = listeners
        }
    }

    /// A port that the gateway listens on.
    public struct Listener: Codable, Hashable, Sendable {
        public var name: String
        /// Every hostname where absent; a leading `*.` stands for any labels.
        public var hostname: String?
        public var port: Int
        /// `HTTP`, `HTTPS` and others.
        public var `protocol`: String

        public init(name: String, hostname: String? = nil, port: Int, protocol: String) {
            self.name = name
            self.hostname = hostname
            self.port = port
            self.protocol = `protocol`
        }
    }

    /// What the gateway's controller says about it.
    public struct Status: Hashable, Sendable {
        public var addresses: [Address]
        /// `Accepted`, `Programmed` and others.
        public var conditions: [Condition]

        public init(addresses: [Address] = [], conditions: [Condition] = []) {
            self.addresses = addresses
            self.conditions = conditions
        }
    }

    /// Where the gateway can be reached.
    public struct Address: Codable, Hashable, Sendable {
        /// `IPAddress` where absent, or `Hostname`.
        public var type: String?
        public var value: String

        public init(type: String? = nil, value: String) {
            self.type = type
            self.value = value
        }
    }
}

extension Gateway.Spec: Codable {
    private enum CodingKeys: String, CodingKey {
        case gatewayClassName, listeners
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        gatewayClassName = try container.decodeIfPresent(String.self, forKey: .gatewayClassName) ?? ""
        listeners = try container.decodeListIfPresent(Gateway.Listener.self, forKey: .listeners)
    }
}

extension Gateway.Status: Codable {
    private enum CodingKeys: String, CodingKey {
        case addresses, conditions
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        addresses = try container.decodeListIfPresent(Gateway.Address.self, forKey: .addresses)
        conditions = try container.decodeListIfPresent(Condition.self, forKey: .conditions)
    }
}
