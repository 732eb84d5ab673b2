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
            var value: String?
        }
        var conditions: [Condition]?
        var addresses: [Address]?
    }

    var metadata: ObjectMeta
    var spec: Spec?
    var status: Status?
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
