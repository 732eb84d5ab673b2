import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewCommands

/// Tests doctor's checks of the platform's programs and routes.
extension DoctorInstallationTests {
    /// - Parameter fromSecret: The variable whose value is in a Secret; `nil` for none.
    static func addDeployment(
        _ name: String,
        _ environment: [String: String],
        fromSecret: String? = nil,
        to store: ObjectStore
    ) throws {
        var variables: [JSONValue] = environment.map { ["name": .string($0), "value": .string($1)] }
        if let fromSecret {
            let reference: JSONValue = ["secretKeyRef": ["name": "keys", "key": .string(fromSecret)]]
            variables.append(["name": .string(fromSecret), "valueFrom": reference])
        }
        try store.create(
            try kind("deployments", in: store),
            namespace: namespace,
            [
                "metadata": ["name": .string(name), "labels": ["app.kubernetes.io/name": .string(name)]],
                "spec": [
                    "template": [
                        "spec": [
                            "containers": [
                                [
                                    "name": "main",
                                    "env": .array(variables),
                                    "envFrom": [["configMapRef": ["name": .string("\(name)-settings")]]],
                                ]
                            ]
                        ]
                    ]
                ],
            ]
        )
    }

    @Test(arguments: [
        (["Sandbox__Preview__ZoneSuffix": "localhost"], Status.warning),
        (["Sandbox__Preview__ZoneSuffix": "localhost", "Sandbox__Preview__Enabled": "false"], .ok),
        (["Other": "1"], .ok),
    ])
    func anOlderPreviewServiceIsFoundByItsSettings(_ environment: [String: String], _ status: Status) async throws {
        let finding = try await check("PG602") { store in
            try Self.addDeployment("agentweaver-api", environment, to: store)
            try Self.addDeployment("preview-gateway", ["Sandbox__Preview__ZoneSuffix": "localhost"], to: store)
        }
        #expect(finding.status == status, "\(finding)")
    }

    @Test func anOlderServiceWhoseSettingIsInASecretIsNotChecked() async throws {
        let finding = try await check("PG602") { store in
            try Self.addDeployment(
                "agentweaver-api",
                ["Sandbox__Preview__ZoneSuffix": "localhost"],
                fromSecret: "Sandbox__Preview__Enabled",
                to: store
            )
        }
        #expect(finding.status == .skipped && finding.detail.contains("agentweaver-api"), "\(finding)")
    }

    @Test(arguments: [(["app.kubernetes.io/managed-by": "preview-gateway"], Status.ok), ([:], .warning)])
    func anOlderPreviewServiceIsFoundByItsPreviews(_ labels: [String: String], _ status: Status) async throws {
        let finding = try await check("PG602") { store in
            try Self.addPreview(to: store, labels: labels.mapValues { .string($0) })
        }
        #expect(finding.status == status, "\(finding)")
    }

    @Test(arguments: [
        ("http://agentweaver-api:8080", Status.warning), ("http://agentweaver-api.agentweaver.svc:8080/", .warning),
        ("http://preview-gateway", .ok), ("http://elsewhere.example.com", .skipped),
    ])
    func callersThatGoAroundTheServiceAreNamed(url: String, status: Status) async throws {
        let finding = try await check("PG603") { store in
            try store.create(
                .configMaps,
                namespace: Self.namespace,
                ["metadata": ["name": "agentweaver-mcp-settings"], "data": ["AGENTWEAVER_API_URL": .string(url)]]
            )
            try Self.addDeployment("agentweaver-mcp", [:], to: store)
            // The service's own setting names the core API.
            try Self.addDeployment(
                "preview-gateway",
                ["Agentweaver__ApiBaseUrl": "http://agentweaver-api:8080"],
                to: store
            )
        }
        #expect(finding.status == status, "\(finding)")
        if status == .warning { #expect(finding.detail.contains("agentweaver-mcp (AGENTWEAVER_API_URL)")) }
    }

    /// Its own default value; after the next deployment of the platform it may be back.
    @Test(arguments: ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"])
    func aCoreAPIThatCallsItselfIsNamed(url: String) async throws {
        let finding = try await check("PG603") { store in
            try Self.addDeployment("agentweaver-api", ["Agentweaver__ApiBaseUrl": url], to: store)
            let right = ["Agentweaver__ApiBaseUrl": "http://preview-gateway"]
            try Self.addDeployment("agentweaver-worker", right, to: store)
        }
        #expect(finding.status == .warning, "\(finding)")
        #expect(finding.detail.contains("agentweaver-api (Agentweaver__ApiBaseUrl)"))
    }

    @Test(arguments: [
        (204, false, Status.ok), (405, false, .warning), (405, true, .ok), (404, false, .skipped),
        (503, true, .skipped),
    ])
    func theEventRouteOfTheCoreAPIIsTried(code: Int, routes: Bool, status: Status) async throws {
        let core = ScriptedTransport(clock: ManualClock()) { _, _ in .json(code, "") }
        let finding = try await check(
            "PG604",
            settings: [
                "Agentweaver__ApiBaseUrl": "http://core.example.com", "Auth__ApiKey": Self.key,
                "Router__Enabled": "\(routes)",
            ],
            core: core
        )
        #expect(finding.status == status, "\(finding)")
    }

    @Test(arguments: [(404, Status.skipped), (403, .skipped), (401, .skipped), (503, .failure)])
    func withoutAKeyTheCoreAPIIsOnlyReached(code: Int, status: Status) async throws {
        let core = ScriptedTransport(clock: ManualClock()) { _, _ in .json(code, "") }
        let settings = ["Agentweaver__ApiBaseUrl": "http://core.example.com"]
        let finding = try await check("PG601", settings: settings, core: core)
        #expect(finding.status == status, "\(finding)")
    }

    private static func addMainRoute(accepted: JSONValue, to store: ObjectStore) throws {
        try store.create(
            .httpRoutes,
            namespace: namespace,
            [
                "metadata": ["name": "preview-gateway"],
                "spec": [
                    "parentRefs": [["name": "agentweaver-gateway"]], "hostnames": ["agentweaver.example.com"],
                    "rules": [
                        [
                            "matches": [["path": ["type": "PathPrefix", "value": "/api/runs"]]],
                            "backendRefs": [["name": "preview-gateway", "port": 80]],
                        ]
                    ],
                ],
            ]
        )
        try store.updateStatus(.httpRoutes, namespace: namespace, name: "preview-gateway") { route in
            let conditions: [JSONValue] = [("Accepted", accepted), ("ResolvedRefs", "True")].map { type, status in
                [
                    "type": .string(type), "status": status, "reason": "Some", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                ]
            }
            route["status", "parents"] = [
                [
                    "parentRef": ["name": "agentweaver-gateway"], "controllerName": "example.com/gateway",
                    "conditions": .array(conditions),
                ]
            ]
        }
    }

    @Test(
        arguments: [
            ("True", "true", Status.ok), ("False", "true", .failure), ("True", "false", .failure),
            (nil, "true", .warning),
            (nil, "false", .skipped),
        ] as [(String?, String, Status)]
    )
    func theMainGatewayHasToLeadHere(accepted: String?, routing: String, status: Status) async throws {
        let settings = ["Router__Enabled": routing, "Agentweaver__ApiBaseUrl": "http://core.example.com"]
        let finding = try await check("PG605", settings: settings) { store in
            if let accepted { try Self.addMainRoute(accepted: .string(accepted), to: store) }
        }
        #expect(finding.status == status, "\(finding)")
    }
}
