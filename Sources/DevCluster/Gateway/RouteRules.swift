/// The rules of one HTTPRoute, as far as this gateway serves them.
///
/// Anything else makes the route unsupported as a whole: serving only a part of what it says could expose more than
/// it asks for.
struct RouteRules {
    /// Why the route cannot be served; `nil` if it can.
    private(set) var unsupported: String?
    /// The paths with their clusters, in the order of the rules.
    private(set) var entries: [GatewayPlan.Entry] = []
    /// Whether every backend exists.
    private(set) var resolved = GatewayPlan.Decision(true, "ResolvedRefs", "every backend exists")

    init(route: JSONValue, endpoints: EndpointResolver) {
        for rule in route["spec", "rules"]?.arrayValue ?? [] {
            guard unsupported == nil else { return }
            if let member = Self.unknownMember(of: rule, known: ["name", "matches", "backendRefs"]) {
                unsupported = "this gateway does not serve rules with \(member)"
                return
            }
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
                entries.append(GatewayPlan.Entry(path: path, cluster: cluster))
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

    /// The first member, by name, that says something and is not among `known`.
    private static func unknownMember(of value: JSONValue, known: Set<String>) -> String? {
        (value.objectValue ?? [:])
            .filter { !known.contains($0.key) && !$0.value.isNull && $0.value != [] && $0.value != [:] }
            .keys.min()
    }
}
