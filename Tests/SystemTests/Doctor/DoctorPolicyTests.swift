import Testing

@testable import DevCluster
@testable import PreviewCommands

/// What doctor says of NetworkPolicies that are there and differ from the manifests.
@Suite("doctor on NetworkPolicies", .timeLimit(.minutes(3)))
struct DoctorPolicyTests {
    private static let namespace = ClusterObjects.namespace
    private static let gatewayLabels: JSONValue = [
        "gateway.networking.k8s.io/gateway-name": .string(ClusterObjects.gateway)
    ]
    private let base = DoctorTests()

    /// Makes one check on a cluster in which something was changed.
    private func check(
        _ id: String,
        _ change: @Sendable (ObjectStore) throws -> Void
    ) async throws -> DoctorFinding {
        try await base.withCluster { server, kubeconfig in
            try change(server.store)
            let report = try await base.doctor(["--only", id], kubeconfig: kubeconfig)
            return try #require(report.entries.first).finding
        }
    }

    private static func peer(_ labels: JSONValue) -> JSONValue { ["podSelector": ["matchLabels": labels]] }

    private static let callers = peer(["app": "agentweaver-api"])
    private static let toPage: JSONValue = ["from": [peer(gatewayLabels)], "ports": [["port": 8081]]]
    private static let toAPI: JSONValue = ["from": [callers], "ports": [["protocol": "TCP", "port": 8080]]]

    /// Another rule of a policy, and what doctor says of it.
    private static let rules: [(policy: String, direction: String, rules: JSONValue, detail: String)] = [
        (
            "preview-gateway", "ingress", [toAPI],
            "preview-gateway does not admit the preview Gateway's pods to port 8081"
        ),
        ("preview-gateway", "ingress", [toPage], "preview-gateway admits no callers to port 8080"),
        (
            "preview-gateway", "ingress", [toPage, ["ports": [["port": 8080]]]],
            "preview-gateway admits everybody to port 8080"
        ),
        (
            "preview-gateway", "ingress", [toPage, ["from": [["podSelector": [:]]], "ports": [["port": 8080]]]],
            "preview-gateway admits the preview Gateway's pods to port 8080"
        ),
        (
            "preview-gateway", "egress", [["ports": [["port": 53]]], ["to": [callers], "ports": [["port": 8080]]]],
            "preview-gateway does not let the service reach the API server on port 443"
        ),
        (
            "preview-gateway", "egress", [["ports": [["port": 443]]], ["to": [callers]]],
            "preview-gateway does not let the service reach DNS servers on port 53"
        ),
        (
            "preview-gateway", "egress", [["ports": [["port": 53], ["port": 443]]]],
            "preview-gateway does not let the service reach the core API on port 8080"
        ),
        (
            "allow-preview-gateway-to-api", "ingress", [["from": [callers], "ports": [["port": 8080]]]],
            "allow-preview-gateway-to-api does not admit the service's pods to port 8080"
        ),
    ]

    @Test("What a policy does not admit, or admits too much, is named", arguments: rules.indices)
    func rulesThatAdmitTooLittleOrTooMuchAreNamed(index: Int) async throws {
        let (policy, direction, rules, detail) = Self.rules[index]
        let finding = try await check("PG503") { store in
            try store.update(.networkPolicies, namespace: Self.namespace, name: policy) {
                $0["spec", direction] = rules
            }
        }
        #expect(finding.status == .warning)
        #expect(finding.detail == detail)
    }

    @Test func aNamedPortMayBeTheRightOne() async throws {
        let finding = try await check("PG503") { store in
            try store.update(.networkPolicies, namespace: Self.namespace, name: "preview-gateway") {
                $0["spec", "ingress"] = [Self.toPage, ["from": [Self.callers], "ports": [["port": "http"]]]]
            }
        }
        #expect(finding.status == .ok, "\(finding)")
    }

    @Test func aSandboxThatThePolicyDoesNotSelectIsNamed() async throws {
        let finding = try await check("PG502") { store in
            let labels: JSONValue = [SandboxObjects.claimLabel: "a-claim", "app": "of-another-release"]
            let metadata: JSONValue = ["name": "unselected", "labels": labels]
            let spec: JSONValue = ["containers": [["name": "app", "image": "app"]]]
            try store.create(.pods, namespace: Self.namespace, ["metadata": metadata, "spec": spec])
        }
        #expect(finding.status == .failure)
        #expect(finding.detail.contains("for example pod unselected"))
    }

    @Test func thePlatformsOwnPolicyIsNotReplaced() async throws {
        let policy = "sandbox-allow-preview-ingress"
        let finding = try await check("PG502") { store in
            try store.update(.networkPolicies, namespace: Self.namespace, name: policy) {
                $0["spec", "podSelector"] = ["matchExpressions": [["key": "app", "operator": "Exists"]]]
                $0["spec", "ingress"] = [["from": [Self.peer(Self.gatewayLabels)], "ports": [["port": 22]]]]
            }
        }
        #expect(finding.status == .failure)
        #expect(finding.remedy?.contains("kubectl edit") == true)
    }
}
