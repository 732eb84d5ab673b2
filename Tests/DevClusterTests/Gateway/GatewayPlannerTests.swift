import Testing

@testable import DevCluster

@Suite("What the gateway serves", .timeLimit(.minutes(10)))
struct GatewayPlannerTests {
    typealias Change = @Sendable (inout JSONValue) -> Void

    private let backend = "agentweaver/preview-a/80"

    static let exclusions: [Change] = [
        { $0["metadata", "deletionTimestamp"] = "2026-01-01T00:00:00Z" },
        { $0["status", "conditions"] = [["type": "Ready", "status": "False"]] },
        { $0["status"] = [:] },
        { $0["metadata", "labels"] = ["claim": "another"] },
        { $0["metadata", "namespace"] = "other" },
    ]

    static let refusals: [(String, Change)] = [
        ("NoMatchingListenerHostname", { $0["spec", "hostnames"] = ["a.example"] }),
        ("NoMatchingListenerHostname", { $0["spec", "hostnames"] = ["A.localhost", "a.localhost:8088"] }),
        ("NoMatchingParent", { $0["spec", "parentRefs"] = [["name": "previews", "sectionName": "other"]] }),
        ("NoMatchingParent", { $0["spec", "parentRefs"] = [["name": "previews", "port": 1]] }),
        (
            "NotAllowedByListeners",
            {
                $0["metadata", "namespace"] = "other"
                $0["spec", "parentRefs"] = [["name": "previews", "namespace": "agentweaver"]]
            }
        ),
        ("UnsupportedValue", { $0["spec", "rules"] = [["filters": [["type": "RequestRedirect"]]]] }),
        (
            "UnsupportedValue",
            {
                $0["spec", "rules"] = [
                    ["filters": [["type": "RequestHeaderModifier", "requestHeaderModifier": ["remove": ["a"]]]]]
                ]
            }
        ),
        ("UnsupportedValue", { $0["spec", "rules"] = [["timeouts": ["backendRequest": "1s"]]] }),
        ("UnsupportedValue", { $0["spec", "rules"] = [["timeouts": ["request": "soon"]]] }),
        ("UnsupportedValue", { $0["spec", "rules"] = [["matches": [["method": "GET"]]]] }),
        (
            "UnsupportedValue",
            { $0["spec", "rules"] = [["matches": [["path": ["type": "RegularExpression", "value": ".*"]]]]] }
        ),
        ("UnsupportedValue", { $0["spec", "rules"] = [["matches": [["path": ["value": "no-slash"]]]]] }),
        (
            "UnsupportedValue",
            { $0["spec", "rules"] = [["backendRefs": [["name": "a", "port": 1], ["name": "b", "port": 1]]]] }
        ),
    ]

    @Test func aPreviewsRouteLeadsToItsPod() throws {
        let plan = GatewayObjects.plan()
        #expect(
            plan.virtualHosts == [
                .init(hostname: "a.localhost", entries: [.init(path: .prefix("/"), cluster: backend)])
            ]
        )
        #expect(plan.clusters == [.init(name: backend, endpoints: [.init(address: "127.64.0.1", port: 3000)])])
        let parentStatus = try #require(plan.parentStatuses["agentweaver/preview-a"]?.first)
        #expect(parentStatus.accepted.isTrue && parentStatus.resolvedReferences.isTrue)
        #expect(plan.listeners["agentweaver/previews"]?.first?.attachedRoutes == 1)
    }

    @Test func aClusterLivesAsLongAsItsService() {
        #expect(GatewayObjects.plan(routes: []).clusters.map(\.name) == [backend])
        #expect(GatewayObjects.plan(services: []).clusters.isEmpty)
    }

    @Test func aTimeLimitOfZeroIsNone() {
        let limited = GatewayObjects.route { $0["spec", "rules"] = [GatewayObjects.limitedRule(timeout: "2m")] }
        let unlimited = GatewayObjects.route { $0["spec", "rules"] = [GatewayObjects.limitedRule(timeout: "0s")] }
        let entries = [limited, unlimited].map { GatewayObjects.plan(routes: [$0]).virtualHosts.first?.entries.first }
        #expect(entries.map { $0?.requestTimeout?.milliseconds } == [120_000, nil])
    }

    @Test(arguments: Self.refusals)
    func theStatusOfAnUnservableRouteSaysWhy(reason: String, change: Change) throws {
        let route = GatewayObjects.route("preview-a", change)
        let plan = GatewayObjects.plan(routes: [route])
        let parentStatus = try #require(plan.parentStatuses[route.namespacedName]?.first)
        #expect(!parentStatus.accepted.isTrue)
        #expect(parentStatus.accepted.reason == reason)
        #expect(plan.virtualHosts.isEmpty && plan.clusters == GatewayObjects.plan(routes: []).clusters)
    }

    @Test(
        arguments: [
            ("BackendNotFound", ["name": "absent", "port": 80]),
            ("BackendNotFound", ["name": "preview-a", "port": 81]),
            ("BackendNotFound", ["name": "preview-a"]),
            ("InvalidKind", ["name": "preview-a", "port": 80, "kind": "ConfigMap"]),
            ("InvalidKind", ["name": "preview-a", "port": 80, "group": "example.com"]),
            ("RefNotPermitted", ["name": "preview-a", "port": 80, "namespace": "other"]),
        ] as [(String, JSONValue)]
    )
    func anUnresolvedBackendResponds500AndItsRouteSaysWhy(reason: String, backend: JSONValue) throws {
        let plan = GatewayObjects.plan(
            routes: [GatewayObjects.route { $0["spec", "rules"] = [["backendRefs": [backend]]] }]
        )
        let parentStatus = try #require(plan.parentStatuses["agentweaver/preview-a"]?.first)
        #expect(parentStatus.accepted.isTrue)
        #expect(!parentStatus.resolvedReferences.isTrue)
        #expect(parentStatus.resolvedReferences.reason == reason)
        #expect(plan.virtualHosts.first?.entries == [.init(path: .prefix("/"), cluster: nil)])
    }

    @Test func aRouteOfAnotherGatewayIsLeftAlone() {
        let plan = GatewayObjects.plan(
            routes: [GatewayObjects.route { $0["spec", "parentRefs"] = [["name": "somebody-elses"]] }]
        )
        #expect(plan.parentStatuses.isEmpty && plan.virtualHosts.isEmpty)
    }

    @Test func aGatewayOfAnotherClassIsLeftAlone() {
        let plan = GatewayObjects.plan(gateways: [GatewayObjects.gateway { $0["spec", "gatewayClassName"] = "other" }])
        #expect(plan.listeners.isEmpty && plan.parentStatuses.isEmpty)
    }

    @Test(
        arguments: [
            ("UnsupportedProtocol", ["name": "http", "protocol": "HTTPS", "port": 8088]),
            ("PortUnavailable", ["name": "http", "protocol": "HTTP", "port": 80]),
        ] as [(String, JSONValue)]
    )
    func theStatusOfAnUnservableListenerSaysWhy(reason: String, listener: JSONValue) {
        let plan = GatewayObjects.plan(gateways: [GatewayObjects.gateway { $0["spec", "listeners"] = [listener] }])
        #expect(plan.listeners["agentweaver/previews"]?.first?.accepted.reason == reason)
        #expect(plan.parentStatuses["agentweaver/preview-a"]?.first?.accepted.reason == "NoMatchingParent")
    }

    @Test(arguments: Self.exclusions)
    func aPodThatIsNotReadyOrNotSelectedGetsNoRequests(change: Change) {
        let plan = GatewayObjects.plan(pods: [GatewayObjects.pod("pod-a", change)])
        #expect(plan.clusters == [.init(name: backend, endpoints: [])])
    }

    @Test(
        arguments: [
            ("web", 4000), (nil, 80), (3210, 3210),
        ] as [(JSONValue?, Int)]
    )
    func theTargetPortIsANumberANameOrTheServicesOwn(target: JSONValue?, port: Int) {
        var ports: JSONValue = ["port": 80]
        ports["targetPort"] = target
        let plan = GatewayObjects.plan(services: [GatewayObjects.service { $0["spec", "ports"] = [ports] }])
        #expect(plan.clusters.first?.endpoints == [.init(address: "127.64.0.1", port: port)])
    }

    @Test func aServiceWithoutASelectorSelectsNothing() {
        let plan = GatewayObjects.plan(services: [GatewayObjects.service { $0["spec", "selector"] = [:] }])
        #expect(plan.clusters.first?.endpoints == [])
    }

    @Test func ofTwoRoutesForOneHostTheOlderOneWins() {
        let younger = GatewayObjects.route("a-younger", service: "other") {
            $0["metadata", "creationTimestamp"] = "2026-01-02T00:00:00Z"
        }
        let plan = GatewayObjects.plan(
            routes: [younger, GatewayObjects.route("z-older")],
            services: [GatewayObjects.service(), GatewayObjects.service("other")]
        )
        #expect(plan.virtualHosts.count == 1)
        #expect(plan.virtualHosts.first?.entries == [.init(path: .prefix("/"), cluster: backend)])
    }

    @Test func exactPathsComeBeforeLongerAndShorterPrefixes() {
        let route = GatewayObjects.route {
            $0["spec", "rules"] = [
                [
                    "matches": [
                        ["path": ["type": "PathPrefix", "value": "/"]],
                        ["path": ["type": "PathPrefix", "value": "/docs/"]],
                        ["path": ["type": "Exact", "value": "/a"]],
                    ],
                    "backendRefs": [["name": "preview-a", "port": 80]],
                ]
            ]
        }
        let paths = GatewayObjects.plan(routes: [route]).virtualHosts.first?.entries.map(\.path)
        #expect(paths == [.exact("/a"), .prefix("/docs"), .prefix("/")])
    }
}
