import Foundation
import TestPeers
import TestSupport
import Testing

private typealias Files = InstallationFiles

/// `k8s/deploy.sh` on a real API server; a script writes the statuses that kubelet and the Gateway's controller would
/// write.
@Suite(
    "Deploying",
    .enabled(
        if: RealControlPlane.isAvailable && TestPrograms.isInstalled("kubectl"),
        "there is no kube-apiserver (KUBEBUILDER_ASSETS, TEST_CRDS) or no kubectl"
    ),
    .timeLimit(.minutes(10))
)
struct DeployTests {
    private static let first = "registry.example.com/team/preview-gateway:1a2b3c4"
    private static let second = "registry.example.com:5000/preview-gateway@sha256:" + String(repeating: "0", count: 64)
    /// Arguments that every call needs: the tests' API server is older than the supported versions.
    private static let always = ["--allow-old-cluster", "--timeout", "60"]

    @Test("It installs, can be repeated, upgrades, and rolls back with one command")
    func theServiceIsInstalledUpgradedAndRolledBack() async throws {
        try await withCluster { cluster in
            let planned = try await cluster.deploy("--image", Self.first, "--dry-run")
            #expect(planned.isSuccess, "\(planned.errors)")
            #expect(planned.output.contains("zone: zone.example.com\n"))
            #expect(planned.output.contains("deployment.apps/preview-gateway created (server dry run)"))
            #expect(try await cluster.objects() == [], "a dry run has changed something")

            let withoutKey = try await cluster.deploy("--image", Self.first)
            #expect(!withoutKey.isSuccess && withoutKey.errors.contains("--api-key-file"))
            let installed = try await cluster.deploy("--image", Self.first, "--api-key-file", cluster.key)
            #expect(installed.isSuccess, "\(installed.output)\(installed.errors)")
            for line in [
                "image              \(Self.first)", "https://agentweaver.zone.example.com/api/runs/",
                "https://{token}-preview.zone.example.com at 192.0.2.1",
                "Agentweaver__ApiBaseUrl=http://preview-gateway", "AGENTWEAVER_API_URL=http://preview-gateway",
            ] { #expect(installed.output.contains(line), "\(line) is missing in \(installed.output)") }
            // Objects are applied before those that depend on them; the route changes once the replicas are available.
            let order = [
                "configmap/", "waiting for Gateway", "deployment.apps/", "waiting for the replicas", "httproute.",
            ]
            let places = order.compactMap { installed.output.range(of: $0)?.lowerBound }
            #expect(places.count == order.count && places == places.sorted())

            let repeated = try await cluster.deploy("--image", Self.first)
            #expect(repeated.isSuccess && repeated.output.contains("deployment.apps/preview-gateway unchanged"))
            let verified = try await cluster.verify()
            #expect(try Self.failures(verified) == Self.expectedFailures(), "\(verified.output)\(verified.errors)")

            let upgraded = try await cluster.deploy("--image", Self.second, "--zone", "other.example.com")
            #expect(upgraded.isSuccess && upgraded.output.contains(Self.second), "\(upgraded.errors)")
            #expect(try await cluster.setting("Sandbox__Preview__ZoneSuffix") == "other.example.com")

            let back = try await cluster.run("k8s/deploy.sh", "--rollback")
            #expect(back.isSuccess && back.output.contains("rolled back to \(Self.first)"), "\(back.errors)")
            #expect(try await cluster.setting("Sandbox__Preview__ZoneSuffix") == "zone.example.com")
        }
    }

    @Test("The verification finds faults and reports their remedies")
    func theVerificationReportsFaultsAndTheirRemedies() async throws {
        try await withCluster { cluster in
            let installed = try await cluster.deploy("--image", Self.first, "--api-key-file", cluster.key)
            #expect(installed.isSuccess, "\(installed.errors)")
            let path = "/rules/0/verbs"
            for step in [
                ["patch", "role", "preview-gateway", "--type=json", "-p", #"[{"op":"remove","path":"\#(path)/5"}]"#],
                ["delete", "networkpolicy", "preview-gateway"],
                [
                    "create", "rolebinding", "too-much", "--clusterrole=admin",
                    "--serviceaccount=agentweaver:preview-gateway",
                ],
                ["patch", "deployment", "preview-gateway", "-p", #"{"spec":{"replicas":0}}"#],
                ["delete", "httproute", "preview-gateway"],
            ] { try await cluster.kubectl(step) }
            let result = try await cluster.verify()
            #expect(!result.isSuccess)
            for text in [
                "pods: 0 of 0 replicas are available", "routes: HTTPRoute preview-gateway is Accepted",
                "role: the service has no unnecessary permissions; fix: ",
                "policies: NetworkPolicy preview-gateway exists; fix: kubectl apply",
            ] {
                #expect(result.output.contains("✗ \(text)"), "\(text) is not said: \(result.output)")
            }
        }
    }

    @Test("A policy of the platform for sandboxes that are labelled otherwise is left as it is")
    func thePolicyOfThePlatformStays() async throws {
        try await withCluster { cluster in
            let name = "sandbox-allow-preview-ingress"
            try await cluster.kubectl(
                ["create", "-f", "-"],
                input: """
                    apiVersion: networking.k8s.io/v1
                    kind: NetworkPolicy
                    metadata: {name: \(name)}
                    spec: {podSelector: {matchLabels: {app: other-sandboxes}}, policyTypes: [Ingress]}
                    """
            )
            let installed = try await cluster.deploy("--image", Self.first, "--api-key-file", cluster.key)
            #expect(installed.isSuccess && installed.output.contains("NetworkPolicy \(name)\n"), "\(installed.errors)")
            let selector = ["get", "networkpolicy", name, "-o", "jsonpath={.spec.podSelector.matchLabels.app}"]
            #expect(try await cluster.kubectl(selector) == "other-sandboxes")
        }
    }

    @Test("A bad argument is refused with one line")
    func aBadArgumentIsRefusedWithOneLine() async throws {
        let refused: [(arguments: [String], message: String)] = [
            (["--image", "registry.example.com/preview-gateway:latest"], "cannot be rolled back"),
            (["--image", "registry.example.com/preview-gateway"], "neither a tag nor a digest"),
            ([], "--image is missing"),
            (["--image", "r/p:1", "--overlay", "generic"], "--zone is missing"),
            (["--image", "r/p:1", "--zone", "No_Zone"], "is not a zone"),
            (["--image", "r/p:1", "--zone", "a.example", "--overlay", "none"], "there is no overlay none"),
            (["--image", "r/p:1", "--zone", "a.example", "--with", "none,such"], "there is no component none"),
            (["--colour"], "unknown argument"),
        ]
        try await withCluster(installsCertificate: false) { cluster in
            for (arguments, message) in refused {
                let result = try await cluster.deploy(arguments)
                #expect(!result.isSuccess)
                #expect(result.errors.contains(message), "\(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            }
            // Without `--allow-old-cluster`.
            let arguments = ["--image", "r/p:1", "--zone", "a.example"]
            let result = try await cluster.run("k8s/deploy.sh", arguments)
            #expect(try result.errors.contains("too old") == (RealControlPlane.minorVersion() < 25))
        }
    }

    // MARK: Helpers

    /// The checks that fail because the API server is old: before 1.22 it drops `endPort`.
    private static func expectedFailures() throws -> [String] {
        guard try RealControlPlane.minorVersion() < 22 else { return [] }
        return ["policies: sandbox-allow-preview-ingress admits ports 3000-9000"]
    }

    private static func failures(_ result: Files.Result) -> [String] {
        result.output.split(separator: "\n").filter { $0.hasPrefix("✗ ") }
            .map { String($0.dropFirst(2).prefix { $0 != ";" }) }
    }

    private struct Cluster: Sendable {
        let kubeconfig: String
        let key: String
        let home: String

        func deploy(_ arguments: String...) async throws -> Files.Result { try await deploy(arguments) }

        func deploy(_ arguments: [String]) async throws -> Files.Result {
            try await run("k8s/deploy.sh", arguments + DeployTests.always)
        }

        func verify() async throws -> Files.Result {
            try await run("k8s/verify.sh", "--skip", "service,smoke,negatives,network")
        }

        func run(_ script: String, _ arguments: String...) async throws -> Files.Result {
            try await run(script, arguments)
        }

        func run(_ script: String, _ arguments: [String]) async throws -> Files.Result {
            try await Files.run("bash", [ProjectFiles.path(script)] + arguments, environment: environment)
        }

        @discardableResult
        func kubectl(_ arguments: [String], input: String = "") async throws -> String {
            let arguments = ["-n", "agentweaver"] + arguments
            let result = try await Files.run("kubectl", arguments, environment: environment, input: input)
            guard result.isSuccess else { throw Files.Failure(description: "\(arguments): \(result.errors)") }
            return result.output
        }

        /// The objects that an installation creates for the service.
        func objects() async throws -> [String] {
            let kinds = "deployments,services,roles,networkpolicies,httproutes,gateways,serviceaccounts"
            return try await kubectl(["get", kinds, "-o", "name", "-l", "app.kubernetes.io/part-of=agentweaver"])
                .split(separator: "\n").map(String.init)
        }

        /// A setting of the running release.
        func setting(_ key: String) async throws -> String {
            let map = try await kubectl([
                "get", "deployment", "preview-gateway", "-o",
                "jsonpath={.spec.template.spec.containers[0].envFrom[0].configMapRef.name}",
            ])
            return try await kubectl(["get", "configmap", map, "-o", "jsonpath={.data.\(key)}"])
        }

        var environment: [String: String] { ["KUBECONFIG": kubeconfig, "HOME": home] }
    }

    private func withCluster(
        installsCertificate: Bool = true,
        _ body: @Sendable (Cluster) async throws -> Void
    ) async throws {
        try await RealControlPlane.with { plane in
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let key = try folder.write("key", "\(UUID().uuidString)\(UUID().uuidString)")
            let cluster = Cluster(kubeconfig: plane.kubeconfig, key: key, home: folder.path)
            try await cluster.kubectl(["create", "namespace", "agentweaver"])
            guard installsCertificate else { return try await body(cluster) }
            try await installCertificate(cluster)
            // It ends when its input closes.
            let controllers = Process()
            controllers.executableURL = URL(filePath: "/bin/bash")
            controllers.arguments = [ProjectFiles.path("Tests/Scripts/stand_in_controllers.sh"), "agentweaver"]
            controllers.environment = ProcessInfo.processInfo.environment.merging(cluster.environment) { $1 }
            let input = Pipe()
            controllers.standardInput = input
            try controllers.run()
            let result: Swift.Result<Void, any Error>
            do {
                try await body(cluster)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            try? input.fileHandleForWriting.close()
            await onThreadOfItsOwn { controllers.waitUntilExit() }
            try result.get()
        }
    }

    /// Installs the zone's certificate, in the state in which AKS leaves it once it is issued.
    private func installCertificate(_ cluster: Cluster) async throws {
        let group = "approuting.kubernetes.azure.com"
        try await cluster.kubectl(
            ["create", "--validate=false", "-f", "-"],
            input: """
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: defaultdomaincertificates.\(group)}
                spec:
                  group: \(group)
                  scope: Namespaced
                  names: {plural: defaultdomaincertificates, singular: defaultdomaincertificate, kind: DefaultDomainCertificate}
                  versions:
                    - name: v1alpha1
                      served: true
                      storage: true
                      subresources: {status: {}}
                      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
                """
        )
        try await cluster.kubectl([
            "wait", "--for=condition=Established", "crd/defaultdomaincertificates.\(group)", "--timeout=30s",
        ])
        try await cluster.kubectl(
            ["create", "--validate=false", "-f", "-"],
            input: """
                apiVersion: \(group)/v1alpha1
                kind: DefaultDomainCertificate
                metadata: {name: cert}
                spec: {target: {secret: agentweaver-tls}}
                """
        )
        try await cluster.kubectl([
            "patch", "defaultdomaincertificate", "cert", "--subresource=status", "--type=merge", "-p",
            #"{"status": {"domain": "*.zone.example.com", "conditions": [{"type": "Available", "status": "True"}]}}"#,
        ])
    }
}
