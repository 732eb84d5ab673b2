internal import KubernetesClient
internal import KubernetesModel
internal import PreviewControl
internal import PreviewDomain

extension DoctorCheck {
    private static let policy = "sandbox-allow-preview-ingress"
    /// The policy that lets the service call the core API's pods.
    private static let corePolicy = "allow-preview-gateway-to-api"
    private static let gatewayLabel = "gateway.networking.k8s.io/gateway-name"

    static let networkChecks = [
        DoctorCheck("PG501", .network, "a name in the zone resolves without a route") { context in
            guard let zone = context.connection.settings.zone else {
                return .skipped("\(Settings.Keys.zoneSuffix.key) is not set")
            }
            let addresses = await context.resolve("preview-gateway-doctor-\(UInt32.random(in: 0...UInt32.max)).\(zone)")
            guard !addresses.isEmpty else {
                return .warning(
                    """
                    it does not resolve; a preview's name resolves only after its DNS record exists, and resolvers may \
                    cache the missing name for minutes
                    """,
                    remedy: """
                        create a wildcard record *.\(zone) with the preview Gateway's address; external-dns creates \
                        one for the HTTPRoute \(DoctorCheck.endedPageRoute)
                        """
                )
            }
            let expected = (try? await context.previewGateway().status?.addresses?.compactMap(\.value)) ?? []
            guard
                expected.isEmpty || !expected.contains(where: \.isAddress) || !Set(expected).isDisjoint(with: addresses)
            else {
                return .warning(
                    "it resolves to \(addresses.joined(separator: ", ")), and the Gateway is at \(expected.joined(separator: ", "))",
                    remedy: "point *.\(zone) at the preview Gateway"
                )
            }
            return .ok(addresses.joined(separator: ", "))
        },
        DoctorCheck("PG502", .network, "only the preview Gateway can reach the sandboxes' ports") { context in
            let apply = "kubectl apply -n \(context.namespace) -f k8s/base/networkpolicy-sandbox.yaml"
            let found: InspectedNetworkPolicy
            do {
                found = try await context.client.get(InspectedNetworkPolicy.self, named: policy, in: context.namespace)
            } catch let error as KubernetesError where error.isNotFound {
                return .failure("there is no NetworkPolicy \(policy)", remedy: apply)
            }
            let rules = found.spec?.ingress ?? []
            let allowed = context.connection.policy.ports.allowed
            // The platform's own policy may select its pods by other labels, which the manifest would replace. The manifest has
            // the default ports.
            let remedy =
                if found.spec?.podSelector != sandboxSelector {
                    "correct it with kubectl edit -n \(context.namespace) networkpolicy \(policy)"
                } else if allowed != PortPolicy().allowed {
                    "write the settings' ports into the manifest, then: \(apply)"
                } else {
                    apply
                }
            let ports = rules.flatMap { $0.ports ?? [] }
            // A rule without ports admits all of them.
            let isExact =
                !ports.isEmpty && rules.allSatisfy { $0.ports?.isEmpty == false }
                && ports.allSatisfy {
                    $0.port == allowed.lowerBound && ($0.endPort ?? $0.port) == allowed.upperBound
                }
            guard isExact else {
                var there = ports.map(\.description)
                if rules.isEmpty { there.append("no ports") }
                if rules.contains(where: { $0.ports?.isEmpty != false }) { there.append("all ports") }
                return .failure(
                    "\(policy) admits \(there.joined(separator: ", ")), the settings allow \(allowed.lowerBound)-\(allowed.upperBound)",
                    remedy: remedy
                )
            }
            let peers = rules.flatMap { $0.from ?? [] }
            let isForGateway = peers.allSatisfy {
                $0.namespaceSelector == nil && $0.podSelector?.matchLabels == [gatewayLabel: context.gateway]
            }
            guard isForGateway, !peers.isEmpty, rules.allSatisfy({ $0.from?.isEmpty == false }) else {
                return .warning("\(policy) admits peers other than the preview Gateway's pods", remedy: remedy)
            }
            let pods = try await context.client.listMetadata(
                of: Pod.self,
                in: context.namespace,
                labelSelector: .exists(ClusterLabel.claimUID)
            ).items.map(\.metadata)
            let selector = found.spec?.podSelector ?? InspectedNetworkPolicy.Selector()
            let missed = pods.filter { !selector.selects($0.labels) }
            if let pod = missed.first {
                return .failure(
                    "\(policy) does not select \(missed.count) of \(pods.count) sandboxes, for example pod \(pod.name)",
                    remedy: """
                        let spec.podSelector select the labels of the sandboxes' pods, with kubectl edit -n \
                        \(context.namespace) networkpolicy \(policy)
                        """
                )
            }
            return .ok("\(allowed.lowerBound)-\(allowed.upperBound), from \(context.gateway)")
        },
        DoctorCheck("PG503", .network, "policies allow calls to the service, and from it to the core API") { context in
            let apply = "kubectl apply -n \(context.namespace) -f k8s/base/networkpolicies.yaml"
            var found: [InspectedNetworkPolicy] = []
            for name in [ServiceObjects.name, corePolicy] {
                do {
                    found.append(
                        try await context.client.get(InspectedNetworkPolicy.self, named: name, in: context.namespace)
                    )
                } catch let error as KubernetesError where error.isNotFound {
                    return .warning("there is no NetworkPolicy \(name)", remedy: apply)
                }
            }
            let problems =
                problems(ofService: found[0], gateway: context.gateway).map { "\(ServiceObjects.name) \($0)" }
                + problems(ofCoreAPI: found[1]).map { "\(corePolicy) \($0)" }
            guard problems.isEmpty else { return .warning(problems.joined(separator: "; "), remedy: apply) }
            return .ok("\(ServiceObjects.name), \(corePolicy)")
        },
    ]

    /// The pods that the manifest's policy selects.
    private static let sandboxSelector = InspectedNetworkPolicy.Selector(matchLabels: ["app": "agentweaver-sandbox"])
    private static let apiPort = 8080
    private static let endedPagePort = 8081

    private static func problems(ofService policy: InspectedNetworkPolicy, gateway: String) -> [String] {
        let (rules, visitors) = (policy.spec?.ingress ?? [], [gatewayLabel: gateway])
        let forCallers = rules.filter { $0.admits(port: apiPort) }
        var problems: [String] = []
        if forCallers.isEmpty {
            problems.append("admits no callers to port \(apiPort)")
        } else if forCallers.contains(where: \.includesAllPeers) {
            problems.append("admits everybody to port \(apiPort)")
        } else if forCallers.contains(where: { $0.includes(podsWith: visitors) }) {
            problems.append("admits the preview Gateway's pods to port \(apiPort)")
        }
        if !rules.contains(where: { $0.admits(port: endedPagePort) && $0.includes(podsWith: visitors) }) {
            problems.append("does not admit the preview Gateway's pods to port \(endedPagePort)")
        }
        return policy.limitsEgress ? problems + missingEgress(policy.spec?.egress ?? []) : problems
    }

    /// The API server and DNS servers may be any peers, so only their ports are compared.
    private static func missingEgress(_ rules: [InspectedNetworkPolicy.Rule]) -> [String] {
        var missing = [(53, "DNS servers"), (443, "the API server")].filter { port, _ in
            !rules.contains { $0.admits(port: port) && ($0.includesAllPeers || $0.ports?.isEmpty == false) }
        }
        let core = ["app": ServiceObjects.coreAPI]
        if !rules.contains(where: { $0.admits(port: apiPort) && $0.includes(podsWith: core) }) {
            missing.append((apiPort, "the core API"))
        }
        return missing.map { "does not let the service reach \($1) on port \($0)" }
    }

    private static func problems(ofCoreAPI policy: InspectedNetworkPolicy) -> [String] {
        let service = [ServiceObjects.nameLabel: ServiceObjects.name]
        let isAdmitted = (policy.spec?.ingress ?? []).contains {
            $0.admits(port: apiPort) && $0.includes(podsWith: service)
        }
        return isAdmitted ? [] : ["does not admit the service's pods to port \(apiPort)"]
    }
}

extension String {
    /// Whether it is an IP address rather than a DNS name.
    fileprivate var isAddress: Bool { contains(":") || allSatisfy { $0.isNumber || $0 == "." } }
}
