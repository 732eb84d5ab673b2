internal import KubernetesModel

/// A Gateway, with the fields that the checks read: its listeners and its status.
struct InspectedGateway: KubernetesObject {
    static let resource = Gateway.resource

    struct Spec: Codable, Sendable {
        struct Listener: Codable, Sendable {
            struct TLS: Codable, Sendable {
                struct Reference: Codable, Sendable {
                    var name: String
                    var namespace: String?
                }
                var certificateRefs: [Reference]?
            }
            var name: String?
            var hostname: String?
            var `protocol`: String?
            var port: Int?
            var tls: TLS?
        }
        var gatewayClassName: String?
        var listeners: [Listener]?
    }

    struct Status: Codable, Sendable {
        struct Address: Codable, Sendable {
            var type: String?
            var value: String?
        }
        var conditions: [Condition]?
        var addresses: [Address]?
    }

    var metadata: ObjectMeta
    var spec: Spec?
    var status: Status?
}

/// A NetworkPolicy, with its ingress rules.
struct InspectedNetworkPolicy: KubernetesObject {
    static let resource = APIResource(
        group: "networking.k8s.io",
        versions: ["v1"],
        plural: "networkpolicies",
        kind: "NetworkPolicy"
    )

    struct Spec: Codable, Sendable {
        struct Ingress: Codable, Sendable {
            struct Peer: Codable, Sendable {
                struct Selector: Codable, Hashable, Sendable {
                    var matchLabels: [String: String]?
                }
                var podSelector: Selector?
                var namespaceSelector: Selector?
            }
            struct Port: Codable, Hashable, Sendable {
                /// A number, or the name of a container port; `nil` for all ports.
                var reference: Service.PortReference?
                var endPort: Int?

                /// The port, if it is a number.
                var port: Int? {
                    guard case .number(let number)? = reference else { return nil }
                    return number
                }

                private enum CodingKeys: String, CodingKey {
                    case reference = "port"
                    case endPort
                }
            }
            var from: [Peer]?
            var ports: [Port]?
        }
        var ingress: [Ingress]?
    }

    var metadata: ObjectMeta
    var spec: Spec?
}

/// A Namespace. Only its metadata is read.
struct InspectedNamespace: KubernetesObject {
    static let resource = APIResource(
        group: "",
        versions: ["v1"],
        plural: "namespaces",
        kind: "Namespace",
        namespaced: false
    )

    var metadata: ObjectMeta
}
