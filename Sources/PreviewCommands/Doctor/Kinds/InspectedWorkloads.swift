internal import KubernetesModel
internal import PreviewDomain

/// A Deployment with what is looked at: the environment of its containers.
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
            var name: String
            var value: String?
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

    /// Whether it is this service's own.
    var isOwn: Bool { metadata.labels[ServiceObjects.nameLabel] == ServiceObjects.name }

    /// The variables that its containers get: those written out, and those of ConfigMaps.
    func environment(_ configMaps: [String: InspectedConfigMap]) -> [String: String] {
        var variables: [String: String] = [:]
        for container in spec?.template?.spec?.containers ?? [] {
            for source in container.envFrom ?? [] {
                guard let name = source.configMapRef?.name, let data = configMaps[name]?.data else { continue }
                variables.merge(data) { $1 }
            }
            for variable in container.env ?? [] { variables[variable.name] = variable.value ?? "" }
        }
        return variables
    }
}

struct InspectedConfigMap: KubernetesObject {
    static let resource = APIResource(group: "", versions: ["v1"], plural: "configmaps", kind: "ConfigMap")

    var metadata: ObjectMeta
    var data: [String: String]?
}

/// A Secret; of its data only the certificate is read, and none is printed.
struct InspectedSecret: KubernetesObject {
    static let resource = APIResource(group: "", versions: ["v1"], plural: "secrets", kind: "Secret")

    var metadata: ObjectMeta
    /// In base64.
    var data: [String: String]?
}

struct InspectedQuota: KubernetesObject {
    static let resource = APIResource(group: "", versions: ["v1"], plural: "resourcequotas", kind: "ResourceQuota")

    struct Status: Codable, Sendable {
        var hard: [String: String]?
        var used: [String: String]?
    }

    var metadata: ObjectMeta
    var status: Status?

    /// How many more of a resource there may be; `nil` where the quota does not count it, or not in whole numbers.
    func room(for resource: String) -> Int? {
        guard let hard = status?.hard?[resource].flatMap({ Int($0) }) else { return nil }
        return hard - (status?.used?[resource].flatMap { Int($0) } ?? 0)
    }
}

/// An HTTPRoute with what is looked at: its hosts, the paths that it leads here, and whether its Gateways accept it.
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

    /// Whether a rule leads requests below a path to a Service.
    func leads(_ prefix: String, to service: String) -> Bool {
        (spec?.rules ?? []).contains { rule in
            (rule.backendRefs ?? []).contains { $0.name == service }
                && (rule.matches ?? []).contains { $0.path == .init(type: "PathPrefix", value: prefix) }
        }
    }
}

extension ObjectMeta {
    /// Whether an HTTPRoute is a preview, this service's or the older one's.
    var isPreview: Bool {
        PreviewToken(objectName: name) != nil && labels[PreviewLabel.partOf] == PreviewLabel.partOfValue
            && labels[PreviewLabel.token] != nil
    }
}

/// What the manifests in `k8s/` call the service's own objects.
enum ServiceObjects {
    static let name = "preview-gateway"
    static let nameLabel = "app.kubernetes.io/name"
    /// The core API's Deployment, Service and label `app`.
    static let coreAPI = "agentweaver-api"
    /// What the router takes of the platform's paths.
    static let routedPrefix = "/api/runs"
}
