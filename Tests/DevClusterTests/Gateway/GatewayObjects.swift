@testable import DevCluster

/// Objects for the gateway's tests. Unless a test changes it, each is like the one that the service creates.
enum GatewayObjects {
    static let className = "approuting-istio"
    static let port = 8088

    static func gateway(_ change: (inout JSONValue) -> Void = { _ in }) -> JSONValue {
        var object: JSONValue = [
            "metadata": ["name": "previews", "namespace": "agentweaver"],
            "spec": [
                "gatewayClassName": .string(className),
                "listeners": [
                    [
                        "name": "http", "protocol": "HTTP", "port": .int(Int64(port)), "hostname": "*.localhost",
                        "allowedRoutes": ["namespaces": ["from": "Same"]],
                    ]
                ],
            ],
        ]
        change(&object)
        return object
    }

    static func route(
        _ name: String = "preview-a",
        hostname: String = "a.localhost",
        service: String = "preview-a",
        _ change: (inout JSONValue) -> Void = { _ in }
    ) -> JSONValue {
        var object: JSONValue = [
            "metadata": [
                "name": .string(name), "namespace": "agentweaver", "creationTimestamp": "2026-01-01T00:00:00Z",
            ],
            "spec": [
                "parentRefs": [["name": "previews"]],
                "hostnames": [.string(hostname)],
                "rules": [
                    [
                        "matches": [["path": ["type": "PathPrefix", "value": "/"]]],
                        "backendRefs": [["name": .string(service), "port": 80]],
                    ]
                ],
            ],
        ]
        change(&object)
        return object
    }

    static func service(_ name: String = "preview-a", _ change: (inout JSONValue) -> Void = { _ in }) -> JSONValue {
        var object: JSONValue = [
            "metadata": ["name": .string(name), "namespace": "agentweaver"],
            "spec": ["selector": ["claim": "c1"], "ports": [["port": 80, "targetPort": 3000]]],
        ]
        change(&object)
        return object
    }

    static func pod(
        _ name: String = "pod-a",
        address: String = "127.64.0.1",
        _ change: (inout JSONValue) -> Void = { _ in }
    ) -> JSONValue {
        var object: JSONValue = [
            "metadata": ["name": .string(name), "namespace": "agentweaver", "labels": ["claim": "c1", "more": "x"]],
            "spec": ["containers": [["name": "app", "ports": [["name": "web", "containerPort": 4000]]]]],
            "status": ["podIP": .string(address), "conditions": [["type": "Ready", "status": "True"]]],
        ]
        change(&object)
        return object
    }

    /// A rule of the default route with a request timeout and a header field that it sets.
    static func limitedRule(
        timeout: String,
        header: (name: String, value: String) = ("x-limit", "1"),
        service: String = "preview-a"
    ) -> JSONValue {
        [
            "filters": [
                [
                    "type": "RequestHeaderModifier",
                    "requestHeaderModifier": ["set": [["name": .string(header.name), "value": .string(header.value)]]],
                ]
            ],
            "backendRefs": [["name": .string(service), "port": 80]],
            "timeouts": ["request": .string(timeout)],
        ]
    }

    static func plan(
        gateways: [JSONValue] = [gateway()],
        routes: [JSONValue] = [route()],
        services: [JSONValue] = [service()],
        pods: [JSONValue] = [pod()]
    ) -> GatewayPlan {
        GatewayPlanner(className: className, port: port).plan(
            for: GatewaySnapshot(gateways: gateways, routes: routes, services: services, pods: pods)
        )
    }
}
