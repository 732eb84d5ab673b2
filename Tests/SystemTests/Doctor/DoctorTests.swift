import ArgumentParser
import CurlHTTP
import Foundation
import KubernetesClient
import TestPeers
import TestSupport
import Testing
import YAMLKit

@testable import DevCluster
@testable import PreviewCommands

private typealias Files = InstallationFiles

/// Tests `doctor` against the development cluster's API server, and against a real one if it is available.
@Suite("doctor on a cluster", .timeLimit(.minutes(3)))
struct DoctorTests {
    static let zone = "localhost"
    typealias Status = DoctorFinding.Status

    /// Runs `body` with a cluster in which every check passes, and with the service's account and role.
    func withCluster<Result: Sendable>(
        _ body: @Sendable (_ server: APIServer, _ kubeconfig: String) async throws -> Result
    ) async throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "doctor-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var configuration = APIServer.Configuration(users: [APIServer.Configuration.newAdministrator()])
        configuration.authorizationMode = .rbac
        return try await withAPIServer(configuration: configuration, store: ObjectStore(kinds: Self.kinds)) { server in
            let store = server.store
            let namespace = ClusterObjects.namespace
            try ClusterObjects.install(into: store, port: 8088)
            try ClusterObjects.installEndedPage(into: store, pagePort: 8081)
            try AccessRules(file: ProjectFiles.path("k8s/base/rbac.yaml")).install(into: store)
            for file in ["networkpolicies", "networkpolicy-sandbox"] {
                for document in try YAMLNode.documents(in: ProjectFiles.text("k8s/base/\(file).yaml").utf8) {
                    let policy = try JSONParser.value(of: Array(document.json.utf8))
                    try store.create(.networkPolicies, namespace: namespace, policy)
                }
            }
            try store.updateStatus(.gateways, namespace: namespace, name: ClusterObjects.gateway) { gateway in
                gateway["status", "conditions"] = .array(
                    ["Accepted", "Programmed"].map { type in
                        [
                            "type": .string(type), "status": "True", "reason": .string(type), "message": "",
                            "lastTransitionTime": "2026-01-01T00:00:00Z",
                        ]
                    }
                )
                gateway["status", "addresses"] = [["type": "IPAddress", "value": "192.0.2.1"]]
            }
            let page = ClusterObjects.endedPageRoute
            try store.updateStatus(.httpRoutes, namespace: namespace, name: page) { route in
                route["status", "parents"] = [
                    [
                        "parentRef": ["name": .string(ClusterObjects.gateway)],
                        "controllerName": "example.com/gateway",
                        "conditions": .array(
                            ["Accepted", "ResolvedRefs"].map { type in
                                [
                                    "type": .string(type), "status": "True", "reason": .string(type), "message": "",
                                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                                ]
                            }
                        ),
                    ]
                ]
            }
            try await server.kubeconfig(namespace: namespace).write(toFile: path, atomically: true, encoding: .utf8)
            return try await body(server, path)
        }
    }

    /// Includes the kinds that operators read and the service does not.
    private static let kinds: [ResourceKind] =
        ResourceKind.all + [
            .secrets, ResourceKind(group: "apps", versions: ["v1"], plural: "deployments", kind: "Deployment"),
            ResourceKind(group: "", versions: ["v1"], plural: "resourcequotas", kind: "ResourceQuota", hasStatus: true),
        ]

    func doctor(
        _ arguments: [String] = [],
        kubeconfig: String,
        settings: [String: String] = ["Sandbox__Preview__ZoneSuffix": zone],
        addresses: [String] = ["192.0.2.1"],
        core: ScriptedTransport = ScriptedTransport(clock: ManualClock(), []),
        probes: DoctorProbes = .system
    ) async throws -> DoctorReport {
        try await DoctorCommand.parse(arguments).report(
            environment: settings.merging(["KUBECONFIG": kubeconfig]) { $1 },
            cluster: { try ClusterConfiguration.discover(kubeconfig: kubeconfig) },
            platform: core,
            resolve: { name in name.hasSuffix(".\(Self.zone)") ? addresses : [] },
            probes: probes
        )
    }

    /// The checks that do not apply to a cluster without TLS, previews, core API and Deployments.
    private static let notApplicable = ["PG303", "PG305", "PG601", "PG603", "PG604", "PG605"]

    @Test func aCorrectInstallationPassesEveryCheck() async throws {
        try await withCluster { _, kubeconfig in
            let report = try await doctor(kubeconfig: kubeconfig)
            #expect(report.entries.filter { $0.finding.status != .ok }.map(\.check.id) == Self.notApplicable)
            #expect(report.entries.allSatisfy { $0.finding.status == .ok || $0.finding.status == .skipped })
            #expect(report.exitCode == 0)
            #expect(
                report.text.contains("√ PG401 the service has all required permissions: as system:serviceaccount:")
            )
        }
    }

    /// Faults, with the check that finds each and the expected status.
    private static let faults: [(id: String, status: Status, cause: @Sendable (ObjectStore) throws -> Void)] = [
        ("PG103", .failure, { try $0.delete(.namespaces, namespace: nil, name: "agentweaver") }),
        (
            "PG301", .failure,
            { store in
                try store.updateStatus(.gateways, namespace: "agentweaver", name: ClusterObjects.gateway) {
                    $0["status", "conditions"] = []
                }
            }
        ),
        ("PG301", .failure, { try $0.delete(.gateways, namespace: "agentweaver", name: ClusterObjects.gateway) }),
        (
            "PG302", .failure,
            { store in
                try store.update(.gateways, namespace: "agentweaver", name: ClusterObjects.gateway) {
                    $0["spec", "listeners"] = [
                        ["name": "a", "protocol": "HTTP", "port": 80, "hostname": "*.other.example.com"]
                    ]
                }
            }
        ),
        (
            "PG306", .warning,
            { try $0.delete(.httpRoutes, namespace: "agentweaver", name: ClusterObjects.endedPageRoute) }
        ),
        (
            "PG306", .warning,
            { store in
                try store.update(.httpRoutes, namespace: "agentweaver", name: ClusterObjects.endedPageRoute) {
                    $0["spec", "hostnames"] = ["*.other.example.com"]
                }
            }
        ),
        (
            "PG306", .warning,
            { store in
                try store.updateStatus(.httpRoutes, namespace: "agentweaver", name: ClusterObjects.endedPageRoute) {
                    $0["status"] = ["parents": []]
                }
            }
        ),
        (
            "PG401", .failure,
            { store in
                try store.update(.roles, namespace: "agentweaver", name: "preview-gateway") { $0["rules"] = [] }
            }
        ),
        (
            "PG402", .warning,
            { store in
                try store.update(.roles, namespace: "agentweaver", name: "preview-gateway") {
                    $0["rules"] = [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]]
                }
            }
        ),
        (
            "PG502", .failure,
            { try $0.delete(.networkPolicies, namespace: "agentweaver", name: "sandbox-allow-preview-ingress") }
        ),
        (
            "PG502", .warning,
            { store in
                try store.update(.networkPolicies, namespace: "agentweaver", name: "sandbox-allow-preview-ingress") {
                    $0["spec", "ingress"] = [
                        ["from": [["podSelector": [:]]], "ports": [["port": 3000, "endPort": 9000]]]
                    ]
                }
            }
        ),
        (
            "PG502", .failure,
            { store in
                try store.update(.networkPolicies, namespace: "agentweaver", name: "sandbox-allow-preview-ingress") {
                    $0["spec", "ingress"] = [
                        [
                            "from": [
                                [
                                    "podSelector": [
                                        "matchLabels": [
                                            "gateway.networking.k8s.io/gateway-name": .string(ClusterObjects.gateway)
                                        ]
                                    ]
                                ]
                            ],
                            "ports": [["port": 3000, "endPort": 9000], ["port": 22]],
                        ]
                    ]
                }
            }
        ),
        (
            "PG503", .warning,
            { try $0.delete(.networkPolicies, namespace: "agentweaver", name: "allow-preview-gateway-to-api") }
        ),
    ]

    @Test("A fault is found, and its remedy is reported", arguments: faults.indices)
    func faultsAreFound(index: Int) async throws {
        let fault = Self.faults[index]
        try await withCluster { server, kubeconfig in
            try fault.cause(server.store)
            let report = try await doctor(["--only", fault.id], kubeconfig: kubeconfig)
            let entry = try #require(report.entries.first)
            #expect(report.entries.count == 1 && entry.check.id == fault.id)
            #expect(entry.finding.status == fault.status, "\(entry.finding)")
            #expect(entry.finding.remedy?.isEmpty == false)
            #expect(report.exitCode == (fault.status == .failure ? 2 : 1))
        }
    }

    @Test func thePortsOfTheSettingsAreComparedWithThePolicys() async throws {
        try await withCluster { _, kubeconfig in
            let settings = ["Sandbox__Preview__AllowedPortMax": "9999"]
            let report = try await doctor(["--only", "PG502"], kubeconfig: kubeconfig, settings: settings)
            #expect(report.entries.first?.finding.status == .failure)
            #expect(report.text.contains("admits 3000-9000, the settings allow 3000-9999"))
            // The manifest has the default ports.
            #expect(
                report.entries.first?.finding.remedy?.contains("write the settings' ports into the manifest") == true
            )
        }
    }

    @Test func aZoneWhoseNamesDoNotResolveNeedsAttention() async throws {
        try await withCluster { _, kubeconfig in
            for addresses in [[], ["198.51.100.7"]] {
                let report = try await doctor(["--only", "PG501"], kubeconfig: kubeconfig, addresses: addresses)
                #expect(report.entries.first?.finding.status == .warning)
                #expect(report.exitCode == 1)
            }
        }
    }

    @Test(arguments: [(404, Status.ok), (403, .ok), (401, .failure), (503, .failure)])
    func theResponseOfTheCoreAPIIsChecked(code: Int, status: Status) async throws {
        try await withCluster { _, kubeconfig in
            let key = "0123456789abcdef0123"
            let core = ScriptedTransport(clock: ManualClock()) { _, _ in .json(code, "") }
            let report = try await doctor(
                ["--only", "PG601"],
                kubeconfig: kubeconfig,
                settings: ["Agentweaver__ApiBaseUrl": "http://core.example.com", "Auth__ApiKey": key],
                core: core
            )
            #expect(report.entries.first?.finding.status == status)
            #expect((code == 401) == report.text.contains("set Auth__ApiKey of the core API"))
            #expect(!report.text.contains(key))
            #expect(try !report.json().contains(key))
        }
    }

    @Test func checksThatTheAccountMayNotMakeAreSkipped() async throws {
        try await withCluster { server, kubeconfig in
            server.faults.add(.init(resource: "networkpolicies", times: nil, fault: .respond(Self.forbidden)))
            let report = try await doctor(["--only", "network"], kubeconfig: kubeconfig)
            let skipped = report.entries.filter { $0.finding.status == .skipped }.map(\.check.id)
            #expect(skipped == ["PG502", "PG503"])
            #expect(report.exitCode == 0)
        }
    }

    @Test func checksOfPreviewsThatTheAccountMayNotReadAreSkipped() async throws {
        try await withCluster { server, kubeconfig in
            server.faults.add(.init(resource: "httproutes", times: nil, fault: .respond(Self.forbidden)))
            let report = try await doctor(["--only", "PG305", "--only", "PG701"], kubeconfig: kubeconfig)
            #expect(report.entries.map(\.finding.status) == [.skipped, .skipped], "\(report.text)")
            #expect(report.exitCode == 0)
        }
    }

    @Test func checksOfPreviewsWithAnExpiredTokenAreFailures() async throws {
        try await withCluster { server, kubeconfig in
            let expired = StatusFailure(code: 401, reason: "Unauthorized", message: "Unauthorized")
            server.faults.add(.init(times: nil, fault: .respond(expired)))
            let report = try await doctor(["--only", "PG305", "--only", "PG701"], kubeconfig: kubeconfig)
            #expect(report.entries.map(\.finding.status) == [.failure, .failure], "\(report.text)")
            #expect(report.exitCode == 2)
        }
    }

    @Test func previewsThatCannotBeReadForAnotherReasonAreAFailure() async throws {
        try await withCluster { server, kubeconfig in
            let failure = StatusFailure(code: 400, reason: "BadRequest", message: "not understood")
            server.faults.add(.init(resource: "httproutes", times: nil, fault: .respond(failure)))
            let report = try await doctor(["--only", "PG305"], kubeconfig: kubeconfig)
            #expect(report.entries.map(\.finding.status) == [.failure])
            #expect(report.text.contains("a request to the cluster failed: the API server answered 400"))
        }
    }

    private static let forbidden = StatusFailure(code: 403, reason: "Forbidden", message: "not for you")

    @Test func beforeTheInstallationOnlyTheClusterIsChecked() async throws {
        try await withCluster { _, kubeconfig in
            let report = try await doctor(["--pre", "--skip", "core"], kubeconfig: kubeconfig)
            #expect(report.entries.map(\.check.id) == ["PG101", "PG102", "PG103", "PG201", "PG202", "PG203"])
        }
    }

    @Test func theJSONReportHasTheSameChecks() async throws {
        try await withCluster { _, kubeconfig in
            let report = try await doctor(kubeconfig: kubeconfig)
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(report.json().utf8)) as? [String: Any]
            )
            let checks = try #require(document["checks"] as? [[String: Any]])
            #expect(checks.compactMap { $0["id"] as? String } == DoctorCheck.all.map(\.id))
            #expect(document["exit_code"] as? Int == 0)
        }
    }

    // MARK: IDs, pages, permissions

    @Test func everyCheckHasAnIdOfItsOwnAndASection() throws {
        let ids = DoctorCheck.all.map(\.id)
        #expect(Set(ids).count == ids.count)
        let page = try ProjectFiles.text("Docs/Doctor.md")
        #expect(page.matches(of: /\n### (PG\d+)\n/).map { String($0.1) } == ids)
    }

    @Test func anUnknownCheckIsRefused() {
        #expect(throws: (any Error).self) { try DoctorCommand.parse(["--only", "PG999"]) }
    }

    @Test func thePermissionsAreThoseOfTheRole() throws {
        let documents = try YAMLNode.objects(in: ProjectFiles.text("k8s/base/rbac.yaml"))
        var granted: Set<ServicePermissions.Rule> = []
        for document in documents {
            for rule in document["rules"] as? [[String: Any]] ?? [] {
                let groups = try #require(rule["apiGroups"] as? [String])
                let resources = try #require(rule["resources"] as? [String])
                #expect(groups.count == 1 && resources.count == 1)
                granted.insert(
                    ServicePermissions.Rule(
                        group: groups[0],
                        resource: resources[0],
                        verbs: try #require(rule["verbs"] as? [String]),
                        isForGateway: rule["resourceNames"] != nil,
                        isClusterWide: document["kind"] as? String == "ClusterRole"
                    )
                )
            }
        }
        #expect(granted == Set(ServicePermissions.needed))
    }

    // MARK: A real API server

    @Test(
        "On a real API server it distinguishes present and missing objects",
        .enabled(
            if: RealControlPlane.isAvailable && TestPrograms.isInstalled("kubectl"),
            "there is no kube-apiserver (KUBEBUILDER_ASSETS, TEST_CRDS) or no kubectl"
        )
    )
    func presentAndMissingObjectsAreDistinguishedOnARealAPIServer() async throws {
        try await RealControlPlane.with { plane in
            let environment = ["KUBECONFIG": plane.kubeconfig, "HOME": "\(plane.kubeconfig)-home"]
            for step in [
                ["create", "namespace", "agentweaver"], ["apply", "-f", ProjectFiles.path("k8s/base/rbac.yaml")],
                ["apply", "-n", "agentweaver", "-f", ProjectFiles.path("k8s/base/networkpolicies.yaml")],
            ] {
                let result = try await Files.run("kubectl", step, environment: environment)
                #expect(result.isSuccess, "\(result.errors)")
            }
            let report = try await doctor(kubeconfig: plane.kubeconfig)
            let found = Dictionary(uniqueKeysWithValues: report.entries.map { ($0.check.id, $0.finding.status) })
            for id in [
                "PG102", "PG103", "PG201", "PG202", "PG203", "PG401", "PG402", "PG503", "PG602", "PG701",
            ] {
                #expect(found[id] == .ok, "\(id): \(report.text)")
            }
            #expect(found["PG302"] == .skipped)
            #expect(found["PG301"] == .failure && found["PG502"] == .failure)
            let isOld = try RealControlPlane.minorVersion() < 25
            #expect(found["PG101"] == (isOld ? .failure : .ok))
            #expect(report.exitCode == 2)
        }
    }
}

extension ResourceKind {
    fileprivate static let secrets = ResourceKind(group: "", versions: ["v1"], plural: "secrets", kind: "Secret")
}
