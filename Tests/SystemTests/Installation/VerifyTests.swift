import Foundation
import TestSupport
import Testing

@testable import DevCluster

private typealias Files = InstallationFiles

/// The development cluster's program; `nil` if it was not built.
private let clusterProgram = TestPrograms.built("preview-devcluster")

/// `k8s/verify.sh` against a development cluster: the service as a process, behind Envoy.
@Suite(
    "Verifying an installation",
    .enabled(
        if: clusterProgram != nil && TestPrograms.envoy != nil && TestPrograms.isInstalled("kubectl"),
        "preview-devcluster was not built, ENVOY names no Envoy, or kubectl is not installed"
    ),
    .timeLimit(.minutes(10))
)
struct VerifyTests {
    /// The groups of checks that a development cluster cannot pass: it has no Deployment, no main Gateway, no access
    /// reviews for other users, and no pods of any image.
    private static let absent = "pods,routes,role,network"

    @Test("A preview is started, opened and stopped, and what must be refused is refused")
    func aCorrectInstallationPassesTheVerification() async throws {
        try await withCluster { cluster in
            let result = try await cluster.verify("--skip", Self.absent)
            #expect(result.isSuccess, "\(result.output)\(result.errors)")
            let passed = result.output.split(separator: "\n").filter { $0.hasPrefix("✓ ") }.map { $0.dropFirst(2) }
            for check in [
                "gateways: agentweaver-preview-gateway is Programmed",
                "policies: NetworkPolicy preview-gateway exists",
                "service: its brake is not engaged", "smoke: its page opens from here (status 200)",
                "smoke: its address is closed (status 404)", "smoke: a keepalive of a stopped preview is refused",
                "negatives: requests without credentials are refused", "negatives: port 22 is refused",
                "negatives: port 9001 is refused", "negatives: an unknown preview cannot be stopped",
                "negatives: the agent's key cannot decide (tool-approvals)",
                "negatives: the agent's key cannot decide (auto-approve)",
            ] { #expect(passed.contains { $0 == check }, "\(check) is not among \(passed)") }
            // The preview that `up` started is still there, and the one of the check is not.
            let routes = try await cluster.kubectl(
                "get",
                "httproutes",
                "-l",
                "agentweaver.dev/preview=true",
                "-o",
                "name"
            )
            #expect(routes.output.split(separator: "\n").count == 1)
            #expect(!result.output.contains(try cluster.text("owner-token")))
            #expect(!result.output.contains(try cluster.text("api-key")))
            #expect(!result.output.contains(/[a-z2-7]{26}-preview/))
        }
    }

    @Test("An agent's key that may decide approvals is a failure")
    func anAgentThatMayDecideIsAFailure() async throws {
        try await withCluster { cluster in
            // The owner's token in place of the agent's key.
            let result = try await cluster.verify(
                "--skip",
                Self.absent + ",gateways,policies,smoke",
                "--key-file",
                cluster.path("owner-token")
            )
            #expect(!result.isSuccess)
            #expect(result.output.contains("✗ negatives: the agent's key cannot decide (auto-approve); fix: "))
        }
    }

    // MARK: Helpers

    private struct Cluster: Sendable {
        let folder: String
        let api: String
        let run: String

        func path(_ name: String) -> String { "\(folder)/\(name)" }

        func text(_ name: String) throws -> String {
            try String(contentsOfFile: path(name), encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        }

        func kubectl(_ arguments: String...) async throws -> Files.Result {
            try await Files.run("kubectl", ["-n", "agentweaver"] + arguments, environment: environment)
        }

        /// Later arguments override these.
        func verify(_ arguments: String...) async throws -> Files.Result {
            let usual = [
                "--api", api, "--run", run, "--bearer-file", path("owner-token"), "--key-file", path("api-key"),
            ]
            return try await Files.run(
                "bash",
                [ProjectFiles.path("k8s/verify.sh")] + usual + arguments,
                environment: environment
            )
        }

        private var environment: [String: String] { ["KUBECONFIG": path("kubeconfig"), "HOME": folder] }
    }

    private func withCluster(_ body: @escaping @Sendable (Cluster) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let envoyPort = try #require(Sockets.freePort(address: "127.0.0.1"))
        let apiPort = try #require(Sockets.freePort(address: "127.0.0.1"))
        let output = folder.file("output")
        let command = ProcessCommand(
            executable: try #require(clusterProgram),
            arguments: [
                "up", "--state-dir", folder.path, "--envoy-port", "\(envoyPort)", "--api-port", "\(apiPort)",
                "--rbac", ProjectFiles.path("k8s/base/rbac.yaml"),
            ],
            environment: ["ENVOY": TestPrograms.envoy],
            logFile: output
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await ChildProcess(watchdog: nil).run(command) }
            let run = try await poll(every: .milliseconds(100), limit: .seconds(60)) { () -> String? in
                let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                guard text.contains("Approve it within") else { return nil }
                return text.firstMatch(of: /\n  run +([0-9a-f-]{36})\n/).map { String($0.1) }
            }
            let cluster = Cluster(
                folder: folder.path,
                api: "http://127.0.0.1:\(apiPort)",
                run: try #require(run, "the development cluster did not start")
            )
            for file in ["networkpolicies", "networkpolicy-sandbox"] {
                let applied = try await cluster.kubectl("apply", "-f", ProjectFiles.path("k8s/base/\(file).yaml"))
                #expect(applied.isSuccess, "\(applied.errors)")
            }
            try await body(cluster)
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
    }
}
