/// Determines the proxy's configuration and the status of routes, as a pure function of the cluster's objects.
package struct GatewayPlanner: Sendable {
    /// The GatewayClass whose Gateways are served.
    package let className: String
    /// The only port on which the proxy listens.
    package let port: Int

    package init(className: String, port: Int) {
        self.className = className
        self.port = port
    }

    /// A path of a route, with the values by which it is ordered among those of other routes.
    private struct Candidate {
        let entry: GatewayPlan.Entry
        let created: String
        let route: String
    }

    /// The plan for a state of the cluster.
    package func plan(for snapshot: GatewaySnapshot) -> GatewayPlan {
        var plan = GatewayPlan()
        var candidates: [String: [Candidate]] = [:]
        var attached: [String: [String: Int]] = [:]
        let gateways = snapshot.gateways.filter {
            $0["spec", "gatewayClassName"]?.stringValue == className && !$0.isTerminating
        }
        let endpoints = EndpointResolver(services: snapshot.services, pods: snapshot.pods)
        for route in snapshot.routes.sorted(by: { $0.namespacedName < $1.namespacedName }) where !route.isTerminating {
            let rules = RouteRules(route: route, endpoints: endpoints)
            for reference in route["spec", "parentRefs"]?.arrayValue ?? [] {
                guard let gateway = gateways.first(where: { refers(reference, of: route, to: $0) }) else { continue }
                let (hostnames, listeners, accepted) = attach(route, by: reference, to: gateway, rules: rules)
                plan.parentStatuses[route.namespacedName, default: []].append(
                    GatewayPlan.ParentStatus(
                        parentReference: reference,
                        accepted: accepted,
                        resolvedReferences: rules.resolved
                    )
                )
                guard accepted.isTrue else { continue }
                for listener in listeners { attached[gateway.namespacedName, default: [:]][listener, default: 0] += 1 }
                for hostname in hostnames {
                    candidates[hostname, default: []] += rules.entries.map {
                        Candidate(
                            entry: $0,
                            created: route["metadata", "creationTimestamp"]?.stringValue ?? "",
                            route: route.namespacedName
                        )
                    }
                }
            }
        }
        plan.virtualHosts = candidates.keys.sorted().map { hostname in
            GatewayPlan.VirtualHost(hostname: hostname, entries: ordered(candidates[hostname] ?? []))
        }
        // As in Istio, a cluster exists as long as its Service, whether or not a route refers to it.
        plan.clusters = Set(endpoints.clusters).sorted().map {
            GatewayPlan.Cluster(
                name: $0,
                endpoints: endpoints.endpoints(of: $0),
                isHTTP2: endpoints.isHTTP2($0)
            )
        }
        for gateway in gateways {
            plan.listeners[gateway.namespacedName] = (gateway["spec", "listeners"]?.arrayValue ?? []).map { listener in
                let name = listener["name"]?.stringValue ?? ""
                return GatewayPlan.Listener(
                    name: name,
                    attachedRoutes: attached[gateway.namespacedName]?[name] ?? 0,
                    accepted: acceptedState(of: listener)
                )
            }
        }
        return plan
    }

    /// Whether this gateway can serve a listener: HTTP without TLS on the port of the proxy.
    private func acceptedState(of listener: JSONValue) -> GatewayPlan.ConditionState {
        guard listener["protocol"]?.stringValue == "HTTP" else {
            return .init(false, "UnsupportedProtocol", "this gateway serves the protocol HTTP only")
        }
        guard listener["port"]?.intValue == port else {
            return .init(false, "PortUnavailable", "this gateway listens at port \(port) only")
        }
        return .init(true, "Accepted", "the listener is served")
    }

    private func refers(_ reference: JSONValue, of route: JSONValue, to gateway: JSONValue) -> Bool {
        (reference["group"]?.stringValue ?? "gateway.networking.k8s.io") == "gateway.networking.k8s.io"
            && (reference["kind"]?.stringValue ?? "Gateway") == "Gateway"
            && reference["name"]?.stringValue == gateway.name
            && (reference["namespace"]?.stringValue ?? route.namespace) == gateway.namespace
    }

    /// The hostnames that a route serves through listeners of one parent, or the reason for which there are none.
    private func attach(
        _ route: JSONValue,
        by reference: JSONValue,
        to gateway: JSONValue,
        rules: RouteRules
    ) -> (hostnames: Set<String>, listeners: Set<String>, accepted: GatewayPlan.ConditionState) {
        if let unsupported = rules.unsupported {
            return ([], [], .init(false, "UnsupportedValue", unsupported))
        }
        let listeners = (gateway["spec", "listeners"]?.arrayValue ?? []).filter { listener in
            let section = reference["sectionName"]?.stringValue
            let port = reference["port"]?.intValue
            return acceptedState(of: listener).isTrue && (section == nil || section == listener["name"]?.stringValue)
                && (port == nil || port == listener["port"]?.intValue)
        }
        guard !listeners.isEmpty else {
            return ([], [], .init(false, "NoMatchingParent", "the Gateway has no such listener, or it is not served"))
        }
        let open = listeners.filter { listener in
            switch listener["allowedRoutes", "namespaces", "from"]?.stringValue ?? "Same" {
            case "All": true
            case "Same": route.namespace == gateway.namespace
            default: false
            }
        }
        guard !open.isEmpty else {
            return ([], [], .init(false, "NotAllowedByListeners", "no listener allows routes of this namespace"))
        }
        let wanted: [String?] = route["spec", "hostnames"]?.arrayValue?.map(\.stringValue) ?? []
        var hostnames: Set<String> = []
        var names: Set<String> = []
        for listener in open {
            let found = (wanted.isEmpty ? [nil] : wanted.filter { $0.map(HostnameRule.isValid) ?? false })
                .compactMap { HostnameRule.intersection(listener: listener["hostname"]?.stringValue, route: $0) }
            guard !found.isEmpty else { continue }
            hostnames.formUnion(found)
            names.insert(listener["name"]?.stringValue ?? "")
        }
        guard !hostnames.isEmpty else {
            return ([], [], .init(false, "NoMatchingListenerHostname", "no hostname of the route matches a listener"))
        }
        return (hostnames, names, .init(true, "Accepted", "the route is served"))
    }

    /// Orders paths as the Gateway API requires: exact paths before prefixes, longer paths before shorter ones, then by the
    /// route's age, then by its name. Of equal paths, the first is kept.
    private func ordered(_ candidates: [Candidate]) -> [GatewayPlan.Entry] {
        let sorted = candidates.sorted { left, right in
            let (leftRank, rightRank) = (left.entry.path.rank, right.entry.path.rank)
            guard leftRank == rightRank else { return leftRank > rightRank }
            return (left.created, left.route) < (right.created, right.route)
        }
        var seen: Set<GatewayPlan.PathMatch> = []
        return sorted.map(\.entry).filter { seen.insert($0.path).inserted }
    }
}

extension GatewayPlan.PathMatch {
    fileprivate var rank: (Int, Int) {
        switch self {
        case .exact(let path): (1, path.utf8.count)
        case .prefix(let path): (0, path.utf8.count)
        }
    }
}

extension JSONValue {
    /// The namespace and the name, joined by `/`.
    package var namespacedName: String { "\(namespace ?? "")/\(name)" }
}
