internal import KubernetesModel

/// A NetworkPolicy with the pods that it selects and its rules.
struct InspectedNetworkPolicy: KubernetesObject {
    static let resource = APIResource(
        group: "networking.k8s.io",
        versions: ["v1"],
        plural: "networkpolicies",
        kind: "NetworkPolicy"
    )

    /// A `metav1.LabelSelector`.
    struct Selector: Codable, Hashable, Sendable {
        struct Requirement: Codable, Hashable, Sendable {
            var key: String
            var `operator`: String
            var values: [String]?
        }
        var matchLabels: [String: String]?
        var matchExpressions: [Requirement]?
    }

    struct Rule: Codable, Sendable {
        struct Peer: Codable, Sendable {
            var podSelector: Selector?
            var namespaceSelector: Selector?
        }
        struct Port: Codable, Hashable, Sendable, CustomStringConvertible {
            /// A number, or the name of a container port; `nil` for all ports.
            var reference: Service.PortReference?
            var endPort: Int?

            /// The port, if it is a number.
            var port: Int? {
                guard case .number(let number)? = reference else { return nil }
                return number
            }

            var description: String {
                switch reference {
                case nil: "all ports"
                case .name(let name): "port \(name)"
                case .number(let first): "\(first)-\(endPort ?? first)"
                }
            }

            private enum CodingKeys: String, CodingKey {
                case reference = "port"
                case endPort
            }
        }
        var from: [Peer]?
        var to: [Peer]?
        var ports: [Port]?
    }

    struct Spec: Codable, Sendable {
        var podSelector: Selector?
        var policyTypes: [String]?
        var ingress: [Rule]?
        var egress: [Rule]?
    }

    var metadata: ObjectMeta
    var spec: Spec?

    /// Whether traffic from the selected pods is limited. Without types it is if there are such rules.
    var limitsEgress: Bool { spec?.policyTypes?.contains("Egress") ?? (spec?.egress != nil) }
}

extension InspectedNetworkPolicy.Selector {
    /// Whether it selects an object with these labels.
    func selects(_ labels: [String: String]) -> Bool {
        (matchLabels ?? [:]).allSatisfy { labels[$0.key] == $0.value }
            && (matchExpressions ?? []).allSatisfy { $0.matches(labels) }
    }
}

extension InspectedNetworkPolicy.Selector.Requirement {
    fileprivate func matches(_ labels: [String: String]) -> Bool {
        let isListed = labels[key].map { values?.contains($0) == true } ?? false
        return switch `operator` {
        case "In": isListed
        case "NotIn": !isListed
        case "Exists": labels[key] != nil
        case "DoesNotExist": labels[key] == nil
        default: false
        }
    }
}

extension InspectedNetworkPolicy.Rule {
    /// Whether it admits traffic to a port. A port with a name may be this one.
    func admits(port: Int) -> Bool {
        guard let ports, !ports.isEmpty else { return true }
        return ports.contains { entry in
            guard let low = entry.port else { return true }
            return (low...max(low, entry.endPort ?? low)).contains(port)
        }
    }

    /// Whether it is for all peers.
    var includesAllPeers: Bool { from?.isEmpty != false && to?.isEmpty != false }

    /// Whether its peers include pods with these labels. The namespaces of pods are not compared.
    func includes(podsWith labels: [String: String]) -> Bool {
        includesAllPeers
            || ((from ?? []) + (to ?? [])).contains { peer in
                peer.podSelector.map { $0.selects(labels) } ?? (peer.namespaceSelector != nil)
            }
    }
}
