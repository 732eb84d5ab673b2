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
    /// The status; absent until a Gateway's controller has processed the route. Not set in a create.
    public var status: Status?

    public init(metadata: ObjectMeta, spec: Spec, status: Status? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    /// The Gateways, the hostnames and the rules of the route.
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

    /// The Gateway, and optionally its listener, to which a route attaches (Gateway API, `ParentReference`).
    public struct ParentReference: Codable, Hashable, Sendable {
        /// The group; `gateway.networking.k8s.io` if absent.
        public var group: String?
        /// The kind; `Gateway` if absent.
        public var kind: String?
        /// The namespace; the route's own if absent.
        public var namespace: String?
        public var name: String
        /// The name of one listener; all matching listeners if absent.
        public var sectionName: String?
        public var port: Int?

        public init(kind: String? = nil, namespace: String? = nil, name: String, sectionName: String? = nil) {
            self.kind = kind
            self.namespace = namespace
            self.name = name
            self.sectionName = sectionName
        }
    }

    /// A rule that sends all requests to the backends. Without `matches`, the API server's default matches all paths.
    public struct Rule: Hashable, Sendable {
        /// The changes to requests and responses; none if absent.
        public var filters: [Filter]?
        public var backendRefs: [BackendReference]
        /// The time limits; the Gateway's own if absent.
        public var timeouts: Timeouts?

        public init(
            filters: [Filter]? = nil,
            backendRefs: [BackendReference] = [],
            timeouts: Timeouts? = nil
        ) {
            self.filters = filters
            self.backendRefs = backendRefs
            self.timeouts = timeouts
        }
    }

    /// One change to requests or responses (Gateway API, `HTTPRouteFilter`). Only the filters that set header fields and the
    /// one that rewrites the host are modelled.
    public struct Filter: Codable, Hashable, Sendable {
        /// `RequestHeaderModifier`, `ResponseHeaderModifier`, `URLRewrite`, or the name of another type, which is not modelled.
        public var type: String
        public var requestHeaderModifier: HeaderModifier?
        public var responseHeaderModifier: HeaderModifier?
        public var urlRewrite: URLRewrite?

        public init(requestHeaderModifier: HeaderModifier) {
            type = "RequestHeaderModifier"
            self.requestHeaderModifier = requestHeaderModifier
        }

        public init(responseHeaderModifier: HeaderModifier) {
            type = "ResponseHeaderModifier"
            self.responseHeaderModifier = responseHeaderModifier
        }

        public init(urlRewrite: URLRewrite) {
            type = "URLRewrite"
            self.urlRewrite = urlRewrite
        }
    }

    /// A rewrite of the URL that the backend receives (Gateway API, `HTTPURLRewriteFilter`).
    public struct URLRewrite: Codable, Hashable, Sendable {
        /// The host name, without a port.
        public var hostname: String?

        public init(hostname: String) {
            self.hostname = hostname
        }
    }

    /// Header fields that the Gateway sets, replacing those of the message (Gateway API, `HTTPHeaderFilter`).
    public struct HeaderModifier: Codable, Hashable, Sendable {
        public var set: [Header]?

        public init(set: [Header]) {
            self.set = set
        }
    }

    /// A header field (Gateway API, `HTTPHeader`).
    public struct Header: Codable, Hashable, Sendable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The time limits of a rule (Gateway API, `HTTPRouteTimeouts`).
    public struct Timeouts: Codable, Hashable, Sendable {
        /// The longest time from a request to the end of its response, as a Gateway API duration (GEP-2257) such as `8h`.
        public var request: String?

        public init(request: String) {
            self.request = request
        }
    }

    /// A backend of a rule: a Service in the route's namespace (Gateway API, `HTTPBackendRef`).
    public struct BackendReference: Codable, Hashable, Sendable {
        public var name: String
        public var port: Int?

        public init(name: String, port: Int) {
            self.name = name
            self.port = port
        }
    }

    /// The status that the Gateways' controllers report.
    public struct Status: Hashable, Sendable {
        public var parents: [ParentStatus]

        public init(parents: [ParentStatus]) {
            self.parents = parents
        }
    }

    /// The status that the controller of one Gateway reports.
    public struct ParentStatus: Hashable, Sendable {
        public var parentRef: ParentReference
        /// The conditions, such as `Accepted` and `ResolvedRefs`.
        public var conditions: [Condition]

        public init(parentRef: ParentReference, conditions: [Condition]) {
            self.parentRef = parentRef
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
        case filters, backendRefs, timeouts
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        filters = try container.decodeIfPresent([HTTPRoute.Filter].self, forKey: .filters)
        timeouts = try container.decodeIfPresent(HTTPRoute.Timeouts.self, forKey: .timeouts)
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
        case parentRef, conditions
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        parentRef = try container.decode(HTTPRoute.ParentReference.self, forKey: .parentRef)
        conditions = try container.decodeListIfPresent(Condition.self, forKey: .conditions)
    }
}

/// A gateway.networking.k8s.io/v1 Gateway. Only its metadata is read and written.
public struct Gateway: KubernetesObject, Hashable {
    public static let resource = APIResource(
        group: "gateway.networking.k8s.io",
        versions: ["v1"],
        plural: "gateways",
        kind: "Gateway"
    )

    public var metadata: ObjectMeta

    public init(metadata: ObjectMeta) {
        self.metadata = metadata
    }
}
