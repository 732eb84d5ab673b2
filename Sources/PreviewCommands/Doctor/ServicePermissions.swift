/// The permissions that the service needs: the rules of `k8s/base/rbac.yaml`. A test compares the two.
enum ServicePermissions {
    /// The verbs that are allowed for one resource.
    struct Rule: Hashable, Sendable {
        let group: String
        let resource: String
        let verbs: [String]
        /// Whether the rule applies to the preview Gateway only.
        var isForGateway = false
        /// Whether the resource has no namespace.
        var isClusterWide = false
    }

    static let needed = [
        Rule(
            group: "gateway.networking.k8s.io",
            resource: "httproutes",
            verbs: ["get", "list", "watch", "create", "patch", "delete"]
        ),
        Rule(group: "", resource: "services", verbs: ["get", "list", "watch", "create", "delete"]),
        Rule(group: "", resource: "pods", verbs: ["get", "list", "watch", "patch"]),
        Rule(group: "", resource: "events", verbs: ["create", "list", "watch"]),
        Rule(
            group: "extensions.agents.x-k8s.io",
            resource: "sandboxclaims",
            verbs: ["get", "list", "watch", "patch"]
        ),
        Rule(group: "agents.x-k8s.io", resource: "sandboxes", verbs: ["get", "list", "watch"]),
        Rule(
            group: "gateway.networking.k8s.io",
            resource: "gateways",
            verbs: ["get", "list", "watch", "patch"],
            isForGateway: true
        ),
        Rule(group: "authentication.k8s.io", resource: "tokenreviews", verbs: ["create"], isClusterWide: true),
    ]

    /// Permissions that the service must not have, because they would let it read secrets, change other workloads or extend its
    /// own permissions.
    static let superfluous = [
        Rule(group: "", resource: "secrets", verbs: ["get", "list"]),
        Rule(group: "", resource: "pods", verbs: ["create", "delete"]),
        Rule(group: "", resource: "pods/exec", verbs: ["create"]),
        Rule(group: "", resource: "services", verbs: ["update", "patch"]),
        Rule(group: "extensions.agents.x-k8s.io", resource: "sandboxclaims", verbs: ["create", "delete"]),
        Rule(group: "gateway.networking.k8s.io", resource: "gateways", verbs: ["create", "delete"]),
        Rule(group: "rbac.authorization.k8s.io", resource: "rolebindings", verbs: ["create", "patch"]),
    ]
}

extension ServicePermissions.Rule {
    /// The attributes of an access review for each verb of the rule.
    func attributes(namespace: String, gateway: String, gatewayNamespace: String) -> [AccessReview.Attributes] {
        let parts = resource.split(separator: "/").map(String.init)
        return verbs.map { verb in
            AccessReview.Attributes(
                namespace: isClusterWide ? nil : isForGateway ? gatewayNamespace : namespace,
                verb: verb,
                group: group,
                resource: parts[0],
                subresource: parts.count > 1 ? parts[1] : nil,
                name: isForGateway ? gateway : nil
            )
        }
    }
}
