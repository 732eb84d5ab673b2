/// The rules of an HTTPRoute, as far as this gateway supports them.
///
/// A route with an unsupported feature is rejected completely, because serving only a part of its rules could expose more than
/// it intends.
struct RouteRules {
    /// The reason for which the route cannot be served; `nil` if it can.
    private(set) var unsupported: String?
    /// The paths with their clusters, in the order of the rules.
    private(set) var entries: [GatewayPlan.Entry] = []
    /// Whether all backends exist.
    private(set) var resolved = GatewayPlan.ConditionState(true, "ResolvedRefs", "every backend exists")

    init(route: JSONValue, endpoints: EndpointResolver) {
        for rule in route["spec", "rules"]?.arrayValue ?? [] {
            guard unsupported == nil else { return }
            let known: Set = ["name", "matches", "backendRefs", "filters", "timeouts"]
            if let member = Self.unknownMember(of: rule, known: known) {
                unsupported = "this gateway does not serve rules with \(member)"
                return
            }
            guard let filters = Filters(of: rule) else {
                unsupported = "this gateway serves filters that set header fields or rewrite the host only"
                return
            }
            let limit = rule["timeouts", "request"]?.stringValue
            let duration = limit.flatMap(GatewayDuration.init)
            guard Self.unknownMember(of: rule["timeouts"] ?? [:], known: ["request"]) == nil,
                (limit == nil) == (duration == nil)
            else {
                unsupported = "this gateway serves timeouts of whole requests only"
                return
            }
            // Zero means no limit (Gateway API, `HTTPRouteTimeouts`).
            let timeout = duration.flatMap { $0.milliseconds > 0 ? $0 : nil }
            let backends = rule["backendRefs"]?.arrayValue ?? []
            guard backends.count <= 1 else {
                unsupported = "this gateway serves rules with one backend"
                return
            }
            let cluster = backends.first.flatMap { resolve($0, of: route, endpoints: endpoints) }
            let matches = rule["matches"]?.arrayValue ?? []
            for match in matches.isEmpty ? [[:]] : matches {
                guard let path = Self.path(of: match) else {
                    unsupported = "this gateway matches by exact path or path prefix only"
                    return
                }
                entries.append(
                    GatewayPlan.Entry(
                        path: path,
                        cluster: cluster,
                        requestTimeout: timeout,
                        requestHeaders: filters.requestHeaders,
                        responseHeaders: filters.responseHeaders,
                        host: filters.host
                    )
                )
            }
        }
    }

    private mutating func resolve(_ backend: JSONValue, of route: JSONValue, endpoints: EndpointResolver) -> String? {
        if let member = Self.unknownMember(
            of: backend,
            known: ["group", "kind", "name", "namespace", "port", "weight"]
        ) {
            unsupported = "this gateway does not serve backends with \(member)"
            return nil
        }
        guard (backend["group"]?.stringValue ?? "").isEmpty, (backend["kind"]?.stringValue ?? "Service") == "Service"
        else {
            resolved = .init(false, "InvalidKind", "a backend is not a Service")
            return nil
        }
        let namespace = route.namespace ?? ""
        guard backend["namespace"]?.stringValue.map({ $0 == namespace }) ?? true else {
            resolved = .init(false, "RefNotPermitted", "a backend is in another namespace")
            return nil
        }
        let cluster = "\(namespace)/\(backend["name"]?.stringValue ?? "")/\(backend["port"]?.intValue ?? 0)"
        guard endpoints.hasPort(cluster) else {
            resolved = .init(false, "BackendNotFound", "a backend's Service, or its port, does not exist")
            return nil
        }
        return cluster
    }

    /// The effect of a rule's filters.
    private struct Filters {
        private(set) var requestHeaders: [GatewayPlan.Header] = []
        private(set) var responseHeaders: [GatewayPlan.Header] = []
        private(set) var host: String?

        /// Parses the filters; `nil` if one of them is not supported.
        init?(of rule: JSONValue) {
            for filter in rule["filters"]?.arrayValue ?? [] {
                switch filter["type"]?.stringValue {
                case "RequestHeaderModifier":
                    guard let fields = Self.fields(of: filter, "requestHeaderModifier") else { return nil }
                    requestHeaders += fields
                case "ResponseHeaderModifier":
                    guard let fields = Self.fields(of: filter, "responseHeaderModifier") else { return nil }
                    responseHeaders += fields
                case "URLRewrite":
                    guard RouteRules.unknownMember(of: filter, known: ["type", "urlRewrite"]) == nil,
                        let rewrite = filter["urlRewrite"],
                        RouteRules.unknownMember(of: rewrite, known: ["hostname"]) == nil
                    else { return nil }
                    host = rewrite["hostname"]?.stringValue
                default:
                    return nil
                }
            }
        }

        private static func fields(of filter: JSONValue, _ member: String) -> [GatewayPlan.Header]? {
            guard RouteRules.unknownMember(of: filter, known: ["type", member]) == nil, let modifier = filter[member],
                RouteRules.unknownMember(of: modifier, known: ["set"]) == nil
            else { return nil }
            var fields: [GatewayPlan.Header] = []
            for field in modifier["set"]?.arrayValue ?? [] {
                guard let name = field["name"]?.stringValue, let value = field["value"]?.stringValue else { return nil }
                fields.append(GatewayPlan.Header(name: name, value: value))
            }
            return fields
        }
    }

    private static func path(of match: JSONValue) -> GatewayPlan.PathMatch? {
        guard unknownMember(of: match, known: ["path"]) == nil else { return nil }
        let value = match["path", "value"]?.stringValue ?? "/"
        guard value.hasPrefix("/") else { return nil }
        switch match["path", "type"]?.stringValue ?? "PathPrefix" {
        case "Exact": return .exact(value)
        case "PathPrefix":
            var prefix = value[...]
            while prefix.count > 1, prefix.last == "/" { prefix.removeLast() }
            return .prefix(String(prefix))
        default: return nil
        }
    }

    /// The first member, in alphabetical order, that has a value and is not among `known`.
    fileprivate static func unknownMember(of value: JSONValue, known: Set<String>) -> String? {
        (value.objectValue ?? [:])
            .filter { !known.contains($0.key) && !$0.value.isNull && $0.value != [] && $0.value != [:] }
            .keys.min()
    }
}
