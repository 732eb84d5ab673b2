internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesModel
internal import PreviewControl
internal import PreviewDomain

extension DoctorCheck {
    private static let policy = "sandbox-allow-preview-ingress"
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
                    mend: """
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
                    mend: "point *.\(zone) at the preview Gateway"
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
                return .failure("there is no NetworkPolicy \(policy)", mend: apply)
            }
            let rules = found.spec?.ingress ?? []
            let allowed = context.connection.policy.ports.allowed
            let ports = rules.flatMap { $0.ports ?? [] }
            // A rule without ports admits all of them.
            let isExact =
                !ports.isEmpty && rules.allSatisfy { $0.ports?.isEmpty == false }
                && ports.allSatisfy {
                    $0.port == allowed.lowerBound && ($0.endPort ?? $0.port) == allowed.upperBound
                }
            guard isExact else {
                var there = ports.map { "\($0.port ?? 0)-\($0.endPort ?? $0.port ?? 0)" }
                if rules.isEmpty { there.append("no ports") }
                if rules.contains(where: { $0.ports?.isEmpty != false }) { there.append("all ports") }
                return .failure(
                    "\(policy) admits \(there.joined(separator: ", ")), the settings allow \(allowed.lowerBound)-\(allowed.upperBound)",
                    mend: apply
                )
            }
            let peers = rules.flatMap { $0.from ?? [] }
            let isForGateway = peers.allSatisfy {
                $0.namespaceSelector == nil && $0.podSelector?.matchLabels == [gatewayLabel: context.gateway]
            }
            guard isForGateway, !peers.isEmpty, rules.allSatisfy({ $0.from?.isEmpty == false }) else {
                return .warning("\(policy) admits peers other than the preview Gateway's pods", mend: apply)
            }
            return .ok("\(allowed.lowerBound)-\(allowed.upperBound), from \(context.gateway)")
        },
        DoctorCheck("PG503", .network, "policies allow calls to the service, and from it to the core API") { context in
            for name in ["preview-gateway", "allow-preview-gateway-to-api"] {
                do {
                    _ = try await context.client.getMetadata(
                        of: InspectedNetworkPolicy.self,
                        named: name,
                        in: context.namespace
                    )
                } catch let error as KubernetesError where error.isNotFound {
                    return .warning(
                        "there is no NetworkPolicy \(name)",
                        mend: "kubectl apply -n \(context.namespace) -f k8s/base/networkpolicies.yaml"
                    )
                }
            }
            return .ok("preview-gateway, allow-preview-gateway-to-api")
        },
    ]
}

extension String {
    /// Whether it is an IP address rather than a DNS name.
    fileprivate var isAddress: Bool { contains(":") || allSatisfy { $0.isNumber || $0 == "." } }
}
