/// Finds the pods behind the ports of Services.
struct EndpointResolver {
    private let services: [String: JSONValue]
    private let podsByNamespace: [String: [JSONValue]]

    init(services: [JSONValue], pods: [JSONValue]) {
        self.services = Dictionary(
            services.lazy.filter { !$0.isTerminating }.map { ($0.namespacedName, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        podsByNamespace = Dictionary(grouping: pods.filter(Self.isReady)) { $0.namespace ?? "" }
    }

    /// All ports of all Services, as namespace, Service and port, joined by `/`.
    var clusters: [String] {
        services.flatMap { name, service in
            (service["spec", "ports"]?.arrayValue ?? []).compactMap { $0["port"]?.intValue }.map { "\(name)/\($0)" }
        }
    }

    /// Whether the Service exists and has the port.
    ///
    /// - Parameter cluster: The namespace, the Service and the port, joined by `/`.
    func hasPort(_ cluster: String) -> Bool { target(of: cluster) != nil }

    /// Whether the pods use HTTP/2 without TLS on the port (Kubernetes, "Services", `appProtocol`).
    func isHTTP2(_ cluster: String) -> Bool {
        target(of: cluster)?.port["appProtocol"]?.stringValue == "kubernetes.io/h2c"
    }

    /// The addresses of the ready pods that the Service selects, sorted.
    func endpoints(of cluster: String) -> [GatewayPlan.Endpoint] {
        guard let (service, port) = target(of: cluster) else { return [] }
        let selector = (service["spec", "selector"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        // A Service without a selector has no endpoints of its own; they are created by the user.
        guard !selector.isEmpty else { return [] }
        let found = (podsByNamespace[service.namespace ?? ""] ?? []).compactMap { pod -> GatewayPlan.Endpoint? in
            let labels = pod.labels
            guard selector.allSatisfy({ labels[$0.key] == $0.value }) else { return nil }
            guard let address = pod["status", "podIP"]?.stringValue, let number = number(of: port, in: pod) else {
                return nil
            }
            return GatewayPlan.Endpoint(address: address, port: number)
        }
        return Set(found).sorted()
    }

    private func target(of cluster: String) -> (service: JSONValue, port: JSONValue)? {
        let parts = cluster.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let number = Int(parts[2]), let service = services["\(parts[0])/\(parts[1])"] else {
            return nil
        }
        let port = service["spec", "ports"]?.arrayValue?.first { $0["port"]?.intValue == number }
        return port.map { (service, $0) }
    }

    /// The target port in a pod. The Service contains it as a number, or as the name of a container port.
    private func number(of port: JSONValue, in pod: JSONValue) -> Int? {
        guard let target = port["targetPort"], !target.isNull else { return port["port"]?.intValue }
        if let number = target.intValue { return number }
        return pod["spec", "containers"]?.arrayValue?.lazy
            .flatMap { $0["ports"]?.arrayValue ?? [] }
            .first { $0["name"]?.stringValue == target.stringValue }?["containerPort"]?.intValue
    }

    private static func isReady(_ pod: JSONValue) -> Bool {
        guard !pod.isTerminating else { return false }
        return pod["status", "conditions"]?.arrayValue?.contains {
            $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True"
        } ?? false
    }
}
