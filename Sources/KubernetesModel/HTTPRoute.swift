/// A gateway.networking.k8s.io/v1 HTTPRoute.
public struct HTTPRoute: KubernetesObject, Hashable {
    public static let resource = APIResource(
        group: "gateway.networking.k8s.io",
        versions: ["v1"],
        plural: "httproutes",
        kind: "HTTPRoute"
    )

    public var metadata: ObjectMeta
    public var spec: Spec
    /// Absent until a gateway has looked at the route. Never set in a create.
    public var status: Status?

    public init(metadata: ObjectMeta, spec: Spec, status: Status? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    /// Which requests go where.
    public struct Spec: Hashable, Sendable {
        public var parentRefs: [ParentReference]
        public var hostnames: [String]
        public var rules: [Rule]

        public init(parentRefs: [ParentReference] = [], hostnames: [String] = [], rules: [Rule] = []) {
            self.parentRefs = parentRefs
            self.hostnames = hostnames
            self.rules = rules
        }
    }

    /// The gateway, and perhaps the listener, that a route attaches to.
    public struct ParentReference: Codable, Hashable, Sendable {
        /// `gateway.networking.k8s.io` where absent.
        public var group: String?
        /// `Gateway` where absent.
        public var kind: String?
        /// The route's own namespace where absent.
        public var namespace: String?
        public var name: String
        /// One listener of the gateway; all that match where absent.
        public var sectionName: String?
        public var port: Int?

        public init(
            group: String? = nil,
            kind: String? = nil,
            namespace: String? = nil,
            name: String,
            sectionName: String? = nil,
            port: Int? = nil
        ) {
            self.group = group
            self.kind = kind
            self.namespace = namespace
            self.name = name
            self.sectionName = sectionName
            self.port = port
        }
    }

    /// Every request goes to the backends. Without matches of its own a rule gets the server's default, all paths.
    public struct Rule: Hashable, Sendable {
        public var backendRefs: [BackendReference]

        public init(backendRefs: [BackendReference] = []) {
            self.backendRefs = backendRefs
        }
    }

    /// Where requests go.
    public struct BackendReference: Codable, Hashable, Sendable {
        public var group: String?
        /// `Service` where absent.
        public var kind: String?
        public var namespace: String?
        public var name: String
        public var port: Int?
        public var weight: Int?

        public init(
            group: String? = nil,
            kind: String? = nil,
            namespace: String? = nil,
            name: String,
            port: Int? = nil,
            weight: Int? = nil
        ) {
            self.group = group
            self.kind = kind
            self.namespace = namespace
            self.name = name
            self.port = port
            self.weight = weight
        }
    }

    /// What gateways say about the route.
    public struct Status: Hashable, Sendable {
        public var parents: [ParentStatus]

        public init(parents: [ParentStatus] = []) {
            self.parents = parents
        }
    }

    /// What one gateway's controller says about the route.
    public struct ParentStatus: Hashable, Sendable {
        public var parentRef: ParentReference
        public var controllerName: String?
        /// `Accepted`, `ResolvedRefs` and others.
        public var conditions: [Condition]

        public init(parentRef: ParentReference, controllerName: String? = nil, conditions: [Condition] = []) {
            self.parentRef = parentRef
            self.controllerName = controllerName
            self.conditions = conditions
        }
    }
}

extension HTTPRoute {
    private enum CodingKeys: String, CodingKey {
        case metadata, spec, status
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try container.decode(ObjectMeta.self, forKey: .metadata)
        spec = try container.decodeIfPresent(Spec.self, forKey: .spec) ?? Spec()
        status = try container.decodeIfPresent(Status.self, forKey: .status)
    }
}

extension HTTPRoute.Spec: Codable {
    private enum CodingKeys: String, CodingKey {
        case parentRefs, hostnames, rules
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        parentRefs = try container.decodeListIfPresent(HTTPRoute.ParentReference.self, forKey: .parentRefs)
        hostnames = try container.decodeListIfPresent(String.self, forKey: .hostnames)
        rules = try container.decodeListIfPresent(HTTPRoute.Rule.self, forKey: .rules)
    }
}

extension HTTPRoute.Rule: Codable {
    private enum CodingKeys: String, CodingKey {
        case backendRefs
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        backendRefs = try container.decodeListIfPresent(HTTPRoute.BackendReference.self, forKey: .backendRefs)
    }
}

extension HTTPRoute.Status: Codable {
    private enum CodingKeys: String, CodingKey {
        case parents
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        parents = try container.decodeListIfPresent(HTTPRoute.ParentStatus.self, forKey: .parents)
    }
}

extension HTTPRoute.ParentStatus: Codable {
    private enum CodingKeys: String, CodingKey {
        case parentRef, controllerName, conditions
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        parentRef = try container.decode(HTTPRoute.ParentReference.self, forKey: .parentRef)
        controllerName = try container.decodeIfPresent(String.self, forKey: .controllerName)
        conditions = try container.decodeListIfPresent(Condition.self, forKey: .conditions)
    }
}
