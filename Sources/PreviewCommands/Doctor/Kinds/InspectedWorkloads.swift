internal import KubernetesModel
internal import PreviewDomain

/// A Deployment, with the environment variables of its containers.
struct InspectedDeployment: KubernetesObject {
    static let resource = APIResource(group: "apps", versions: ["v1"], plural: "deployments", kind: "Deployment")

    struct Spec: Codable, Sendable {
        struct Template: Codable, Sendable {
            struct PodSpec: Codable, Sendable {
                var containers: [Container]?
            }
            var spec: PodSpec?
        }
        var template: Template?
    }

    struct Container: Codable, Sendable {
        struct Variable: Codable, Sendable {
            struct ValueSource: Codable, Sendable {
                struct Key: Codable, Sendable {
                    var name: String?
                    var key: String
                }
                var configMapKeyRef: Key?
            }
            var name: String
            var value: String?
            var valueFrom: ValueSource?
        }
        struct Source: Codable, Sendable {
            struct Reference: Codable, Sendable {
                var name: String?
            }
            var configMapRef: Reference?
        }
        var env: [Variable]?
        var envFrom: [Source]?
    }

    var metadata: ObjectMeta
    var spec: Spec?

    /// Whether the Deployment belongs to this service.
    var isOwn: Bool { metadata.labels[ServiceObjects.nameLabel] == ServiceObjects.name }

    /// The value of an environment variable.
    enum Value: Hashable, Sendable {
        case text(String)
        /// It is in a Secret or a field of the pod, or in an object that was not found.
        case unknown

        var text: String? {
            guard case .text(let text) = self else { return nil }
            return text
        }
    }

    /// The environment variables of all containers, with values from the Deployment and from ConfigMaps.
    func environment(_ configMaps: [String: InspectedConfigMap]) -> [String: Value] {
        var variables: [String: Value] = [:]
        for container in spec?.template?.spec?.containers ?? [] {
            for source in container.envFrom ?? [] {
                guard let name = source.configMapRef?.name, let data = configMaps[name]?.data else { continue }
                variables.merge(data.mapValues { .text($0) }) { $1 }
            }
            for variable in container.env ?? [] { variables[variable.name] = Self.value(of: variable, configMaps) }
        }
        return variables
    }

    private static func value(
        of variable: Container.Variable,
        _ configMaps: [String: InspectedConfigMap]
    ) -> Value {
        guard let source = variable.valueFrom else { return .text(variable.value ?? "") }
        guard let reference = source.configMapKeyRef, let name = reference.name,
            let text = configMaps[name]?.data?[reference.key]
        else { return .unknown }
        return .text(text)
    }
}

/// A ConfigMap, with its data.
struct InspectedConfigMap: KubernetesObject {
    static let resource = APIResource(group: "", versions: ["v1"], plural: "configmaps", kind: "ConfigMap")

    var metadata: ObjectMeta
    var data: [String: String]?
}

/// A Secret. Only the certificate in its data is read, and nothing of it is printed.
struct InspectedSecret: KubernetesObject {
    static let resource = APIResource(group: "", versions: ["v1"], plural: "secrets", kind: "Secret")

    var metadata: ObjectMeta
    /// The values, encoded in base64.
    var data: [String: String]?
}

/// A ResourceQuota, with its limits and current usage.
struct InspectedQuota: KubernetesObject {
    static let resource = APIResource(group: "", versions: ["v1"], plural: "resourcequotas", kind: "ResourceQuota")

    struct Status: Codable, Sendable {
        var hard: [String: String]?
        var used: [String: String]?
    }

    var metadata: ObjectMeta
    var status: Status?

    /// The number of further objects that the quota allows; `nil` if it does not limit the resource, or not in whole numbers.
    func room(for resource: String) -> Int? {
        guard let hard = status?.hard?[resource].flatMap({ Int($0) }) else { return nil }
        return hard - (status?.used?[resource].flatMap { Int($0) } ?? 0)
    }
}

/// An HTTPRoute, with its hostnames, its rules and the conditions that its Gateways set.
struct InspectedRoute: KubernetesObject {
    static let resource = HTTPRoute.resource

    struct Spec: Codable, Sendable {
        struct Named: Codable, Sendable {
            var name: String?
        }
        struct Rule: Codable, Sendable {
            struct Match: Codable, Sendable {
                struct Path: Codable, Hashable, Sendable {
                    var type: String?
                    var value: String?
                }
                var path: Path?
            }
            var matches: [Match]?
            var backendRefs: [Named]?
        }
        var parentRefs: [Named]?
        var hostnames: [String]?
        var rules: [Rule]?
    }

    struct Status: Codable, Sendable {
        struct Parent: Codable, Sendable {
            var conditions: [Condition]?
        }
        var parents: [Parent]?
    }

    var metadata: ObjectMeta
    var spec: Spec?
    var status: Status?

    /// Whether a rule sends requests with a path prefix to a Service.
    func forwards(_ prefix: String, to service: String) -> Bool {
        (spec?.rules ?? []).contains { rule in
            (rule.backendRefs ?? []).contains { $0.name == service }
                && (rule.matches ?? []).contains { $0.path == .init(type: "PathPrefix", value: prefix) }
        }
    }
}

extension ObjectMeta {
    /// Whether the HTTPRoute is a preview of this service or of the platform's older one.
    var isPreview: Bool {
        PreviewToken(objectName: name) != nil && labels[PreviewLabel.partOf] == PreviewLabel.partOfValue
            && labels[PreviewLabel.token] != nil
    }
}

/// The names of objects in the manifests in `k8s/`.
enum ServiceObjects {
    static let name = "preview-gateway"
    static let nameLabel = "app.kubernetes.io/name"
    /// The name of the core API's Deployment and Service, and the value of its label `app`.
    static let coreAPI = "agentweaver-api"
    /// The path prefix of the requests that the main Gateway sends to this service when the router is on.
    static let routedPrefix = "/api/runs"
}
