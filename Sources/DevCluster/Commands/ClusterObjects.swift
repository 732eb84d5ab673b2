/// The objects that a cluster of the platform has before the first preview.
enum ClusterObjects {
    static let namespace = "agentweaver"
    static let gatewayClass = "approuting-istio"
    static let gateway = "agentweaver-preview-gateway"
    /// The zone of the previews' names, which browsers resolve to this machine (RFC 6761).
    static let zone = "localhost"
    static let owner = "developer"

    /// Creates namespace, GatewayClass and Gateway.
    ///
    /// - Parameter port: The port of the Gateway's listener. In production it speaks HTTPS, here plain HTTP.
    static func install(into store: ObjectStore, port: Int) throws {
        try store.create(.namespaces, namespace: nil, ["metadata": ["name": .string(namespace)]])
        try store.create(
            .gatewayClasses,
            namespace: nil,
            [
                "metadata": ["name": .string(gatewayClass)],
                "spec": ["controllerName": .string(GatewayController.controllerName)],
            ]
        )
        try store.create(
            .gateways,
            namespace: namespace,
            [
                "metadata": ["name": .string(gateway)],
                "spec": [
                    "gatewayClassName": .string(gatewayClass),
                    "listeners": [
                        [
                            "name": "previews", "protocol": "HTTP", "port": .int(Int64(port)),
                            "hostname": .string("*.\(zone)"), "allowedRoutes": ["namespaces": ["from": "Same"]],
                        ]
                    ],
                ],
            ]
        )
    }

    /// The claim of a run.
    static func claim(run: String) -> JSONValue {
        [
            "metadata": [
                "name": .string(claimName(run: run)),
                "annotations": ["agentweaver.dev/run-id": .string(run), "agentweaver.dev/run-owner": .string(owner)],
            ],
            "spec": ["warmPoolRef": ["name": "devcluster"]],
        ]
    }

    /// `agent-` and the first 12 characters of the run id without hyphens.
    static func claimName(run: String) -> String { "agent-\(run.filter { $0 != "-" }.prefix(12))" }
}
