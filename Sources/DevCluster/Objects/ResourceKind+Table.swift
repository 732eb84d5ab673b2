extension ResourceKind {
    private static let gatewayGroup = "gateway.networking.k8s.io"
    private static let sandboxGroup = "agents.x-k8s.io"
    private static let claimGroup = "extensions.agents.x-k8s.io"
    private static let rbacGroup = "rbac.authorization.k8s.io"

    private static func core(
        _ plural: String,
        _ kind: String,
        _ shortNames: [String] = [],
        isNamespaced: Bool = true,
        hasStatus: Bool = false
    ) -> ResourceKind {
        ResourceKind(
            group: "",
            versions: ["v1"],
            plural: plural,
            kind: kind,
            shortNames: shortNames,
            isNamespaced: isNamespaced,
            hasStatus: hasStatus,
            countsGenerations: false
        )
    }

    package static let namespaces = core("namespaces", "Namespace", ["ns"], isNamespaced: false, hasStatus: true)
    package static let pods = core("pods", "Pod", ["po"], hasStatus: true)
    package static let services = core("services", "Service", ["svc"], hasStatus: true)
    package static let events = core("events", "Event", ["ev"])
    package static let configMaps = core("configmaps", "ConfigMap", ["cm"])
    package static let serviceAccounts = core("serviceaccounts", "ServiceAccount", ["sa"])
    package static let endpoints = core("endpoints", "Endpoints", ["ep"])

    package static let networkPolicies = ResourceKind(
        group: "networking.k8s.io",
        versions: ["v1"],
        plural: "networkpolicies",
        kind: "NetworkPolicy",
        shortNames: ["netpol"]
    )

    package static let gatewayClasses = ResourceKind(
        group: gatewayGroup,
        versions: ["v1", "v1beta1"],
        plural: "gatewayclasses",
        kind: "GatewayClass",
        shortNames: ["gc"],
        isNamespaced: false,
        hasStatus: true
    )
    package static let gateways = ResourceKind(
        group: gatewayGroup,
        versions: ["v1", "v1beta1"],
        plural: "gateways",
        kind: "Gateway",
        shortNames: ["gtw"],
        hasStatus: true
    )
    package static let httpRoutes = ResourceKind(
        group: gatewayGroup,
        versions: ["v1", "v1beta1"],
        plural: "httproutes",
        kind: "HTTPRoute",
        hasStatus: true
    )

    package static let sandboxes = ResourceKind(
        group: sandboxGroup,
        versions: ["v1beta1", "v1alpha1"],
        plural: "sandboxes",
        kind: "Sandbox",
        shortNames: ["sandbox"],
        hasStatus: true,
        deprecations: [
            "v1alpha1": "agents.x-k8s.io/v1alpha1 Sandbox is deprecated; use agents.x-k8s.io/v1beta1 Sandbox instead"
        ],
        unconvertibleVersions: ["v1alpha1"]
    )
    package static let sandboxClaims = ResourceKind(
        group: claimGroup,
        versions: ["v1beta1", "v1alpha1"],
        plural: "sandboxclaims",
        kind: "SandboxClaim",
        shortNames: ["sandboxclaim"],
        hasStatus: true,
        deprecations: [
            "v1alpha1": """
            extensions.agents.x-k8s.io/v1alpha1 SandboxClaim is deprecated; \
            use extensions.agents.x-k8s.io/v1beta1 SandboxClaim instead
            """
        ],
        unconvertibleVersions: ["v1alpha1"]
    )

    package static let roles = ResourceKind(
        group: rbacGroup,
        versions: ["v1"],
        plural: "roles",
        kind: "Role",
        countsGenerations: false
    )
    package static let roleBindings = ResourceKind(
        group: rbacGroup,
        versions: ["v1"],
        plural: "rolebindings",
        kind: "RoleBinding",
        countsGenerations: false
    )
    package static let clusterRoles = ResourceKind(
        group: rbacGroup,
        versions: ["v1"],
        plural: "clusterroles",
        kind: "ClusterRole",
        isNamespaced: false,
        countsGenerations: false
    )
    package static let clusterRoleBindings = ResourceKind(
        group: rbacGroup,
        versions: ["v1"],
        plural: "clusterrolebindings",
        kind: "ClusterRoleBinding",
        isNamespaced: false,
        countsGenerations: false
    )

    /// All kinds that the server stores. A new kind must be added here.
    package static let all: [ResourceKind] = [
        namespaces, pods, services, events, configMaps, serviceAccounts, endpoints, networkPolicies, gatewayClasses,
        gateways, httpRoutes, sandboxes, sandboxClaims, roles, roleBindings, clusterRoles, clusterRoleBindings,
    ]
}
