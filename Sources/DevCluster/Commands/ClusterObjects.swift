/// The objects that exist in the platform's cluster before the first preview.
enum ClusterObjects {
    static let namespace = "agentweaver"
    static let gatewayClass = "approuting-istio"
    static let gateway = "agentweaver-preview-gateway"
    /// The zone of the previews' host names. Browsers resolve names under it to loopback (RFC 6761).
    static let zone = "localhost"
    static let owner = "developer"
    /// The Service of preview-gateway.
    static let serviceName = "preview-gateway"
    /// The wildcard route to the page for hosts without a preview.
    static let endedPageRoute = "ended-previews"
    /// The port of the Service to which that route leads.
    static let endedPageServicePort = 8081

    /// Creates the namespace, the GatewayClass and the Gateway.
    ///
    /// - Parameter port: The port of the Gateway's listener. The protocol is HTTP; in production it is HTTPS.
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

    /// Creates the route from hosts without a preview to preview-gateway's page, with the Service and the pod behind it.
    ///
    /// - Parameter pagePort: The port on 127.0.0.1 on which preview-gateway serves the page.
    static func installEndedPage(into store: ObjectStore, pagePort: Int, zone: String = zone) throws {
        let labels: JSONValue = ["app.kubernetes.io/name": .string(serviceName)]
        try store.create(
            .pods,
            namespace: namespace,
            [
                "metadata": ["name": .string(serviceName + "-0"), "labels": labels],
                "spec": ["containers": [["name": .string(serviceName), "image": .string(serviceName)]]],
            ]
        )
        try store.updateStatus(.pods, namespace: namespace, name: serviceName + "-0") { pod in
            pod["status", "phase"] = "Running"
            pod["status", "podIP"] = "127.0.0.1"
            pod["status", "conditions"] = [["type": "Ready", "status": "True"]]
        }
        try store.create(
            .services,
            namespace: namespace,
            [
                "metadata": ["name": .string(serviceName), "labels": labels],
                "spec": [
                    "selector": labels,
                    "ports": [
                        [
                            "name": "http-ended", "port": .int(Int64(endedPageServicePort)),
                            "targetPort": .int(Int64(pagePort)),
                        ]
                    ],
                ],
            ]
        )
        try store.create(
            .httpRoutes,
            namespace: namespace,
            [
                "metadata": ["name": .string(endedPageRoute)],
                "spec": [
                    "parentRefs": [["name": .string(gateway)]], "hostnames": [.string("*.\(zone)")],
                    "rules": [
                        [
                            "backendRefs": [
                                ["name": .string(serviceName), "port": .int(Int64(endedPageServicePort))]
                            ]
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

    /// The name of a run's claim: `agent-` and the first 12 characters of the run id without hyphens.
    static func claimName(run: String) -> String { "agent-\(run.filter { $0 != "-" }.prefix(12))" }
}
