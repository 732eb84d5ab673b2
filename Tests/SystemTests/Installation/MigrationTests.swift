import Foundation
import HTTPTypes
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

private typealias Files = InstallationFiles

/// The commands of Docs/Migration.md.
@Suite(
    "Migration from the older service, and back",
    .enabled(if: TestPrograms.isInstalled("kubectl"), "kubectl is not installed"),
    .timeLimit(.minutes(5))
)
struct MigrationTests {
    /// The page's commands, in order.
    private static func commands() throws -> [String] {
        try ProjectFiles.text("Docs/Migration.md").split(separator: "\n").filter { $0.hasPrefix("    kubectl ") }
            .map { $0.drop { $0 == " " } }.map(String.init)
    }

    /// Runs a command as the page shows it.
    private func run(_ command: String, kubeconfig: String) async throws -> Files.Result {
        try await Files.run("bash", ["-c", command], environment: ["KUBECONFIG": kubeconfig])
    }

    /// Runs `work` with a copy of a kubeconfig that commands may change, in a folder for kubectl's cache.
    private func withCopy(_ kubeconfig: String, _ work: (String) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let copy = folder.file("kubeconfig")
        try FileManager.default.copyItem(atPath: kubeconfig, toPath: copy)
        try await work(copy)
    }

    @Test func theCommandsOfThePageShowTheStateOfTheCluster() async throws {
        try await ServiceUnderTest.run(settings: ["Sandbox__Preview__LabelPods": "true"]) { service in
            try service.addSandbox()
            _ = try await service.startPreview()
            let commands = try Self.commands().filter { $0.contains(" get ") }
            #expect(commands.count == 3)
            try await withCopy(service.kubeconfig) { kubeconfig in
                var outputs: [String] = []
                for command in commands {
                    let result = try await run(command, kubeconfig: kubeconfig)
                    #expect(result.isSuccess, "\(command): \(result.errors)")
                    outputs.append(result.output)
                }
                try #require(outputs.count == 3)
                #expect(outputs[0].contains("preview-gateway"))
                // The run has a preview, and its pod has the label.
                #expect(outputs[1].hasPrefix("3f2a9c1e-0000-4000-8000-000000000001-"))
                #expect(outputs[1] == outputs[2])
            }
        }
    }

    /// The commands that change something need kinds that the development cluster does not have.
    @Test(
        .enabled(
            if: RealControlPlane.isAvailable,
            "there is no kube-apiserver (KUBEBUILDER_ASSETS, TEST_CRDS)"
        )
    )
    func everyCommandWorksOnARealAPIServer() async throws {
        try await RealControlPlane.with { plane in
            try await withCopy(plane.kubeconfig) { kubeconfig in
                let objects = ["agentweaver-api", "agentweaver-mcp", "agentweaver-worker", "preview-gateway"].map(
                    Self.deployment
                ).joined()
                for (command, input) in [
                    ("kubectl create namespace agentweaver", ""),
                    ("kubectl apply -n agentweaver -f -", objects),
                    ("kubectl apply -n agentweaver -f \(ProjectFiles.path("k8s/base/httproute.yaml"))", ""),
                ] {
                    let result = try await Files.run(
                        "bash",
                        ["-c", command],
                        environment: ["KUBECONFIG": kubeconfig],
                        input: input
                    )
                    #expect(result.isSuccess, "\(command): \(result.errors)")
                }
                let commands = try Self.commands()
                #expect(commands.count >= 10)
                for command in commands {
                    let result = try await run(command, kubeconfig: kubeconfig)
                    #expect(result.isSuccess, "\(command): \(result.errors)")
                }
                let left = try await run("kubectl get httproutes -o name", kubeconfig: kubeconfig)
                #expect(left.output.isEmpty)
                let setting = try await run(
                    "kubectl set env deployment/agentweaver-api --list",
                    kubeconfig: kubeconfig
                )
                #expect(setting.output.contains("Sandbox__Preview__Enabled=true"))
            }
        }
    }

    /// A Deployment without pods, so that a rollout ends as soon as the controller has seen it.
    private static func deployment(_ name: String) -> String {
        """
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name)}
        spec:
          replicas: 0
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec: {containers: [{name: main, image: example.com/\(name)}]}

        """
    }
}
