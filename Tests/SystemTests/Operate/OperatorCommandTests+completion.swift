import Foundation
import HTTPTypes
import KubernetesClient
import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewCommands

/// The completion of `kubectl preview` by kubectl.
extension OperatorCommandTests {
    private func complete(_ line: String..., kubeconfig: String) async -> [String] {
        let lines = Mutex<[String]>([])
        await KubectlCompletion(line: line).run(
            in: OperatorContext(
                environment: [:],
                cluster: { try ClusterConfiguration.discover(kubeconfig: kubeconfig) },
                print: { text in lines.withLock { $0.append(text) } },
                warn: { _ in }
            )
        )
        return lines.withLock(\.self)
    }

    @Test func previewsAndRequestsAreCompletedFromTheCluster() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let (token, _) = try await start(service)
            let preview = "\(token.fingerprint)\trun \(ServiceUnderTest.run), port 3000"
            let kubeconfig = service.kubeconfig
            #expect(await complete("stop", "", kubeconfig: kubeconfig) == [preview, ":4"])
            let begin = String(token.fingerprint.prefix(2))
            #expect(await complete("explain", begin, kubeconfig: kubeconfig) == [preview, ":4"])
            #expect(await complete("stop", token.fingerprint, "", kubeconfig: kubeconfig) == [":4"])
            #expect(await complete("stop", "-n", "elsewhere", "", kubeconfig: kubeconfig) == [":4"])
            let (request, call) = try await requestPreview(service)
            let completed = await complete("approve", "", kubeconfig: kubeconfig)
            #expect(completed == ["\(request.prefix(8))\trun \(ServiceUnderTest.run), port 3000", ":4"])
            _ = await operate(DenyCommand.self, request, on: service)
            _ = try await call.value
        }
    }

    @Test func aClusterThatCannotBeAskedCompletesNothing() async {
        #expect(await complete("stop", "", kubeconfig: "/no/such/file") == [":4"])
    }

    /// kubectl finds the plugin and its completion by their names in `PATH`.
    @Test(
        .enabled(
            if: ReplicaProcess.program != nil && TestPrograms.isInstalled("kubectl"),
            "kubectl or the built service is missing"
        )
    )
    func kubectlCompletesThePlugin() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let program = try #require(ReplicaProcess.program)
        for name in ["kubectl-preview", "kubectl_complete-preview"] {
            try FileManager.default.createSymbolicLink(
                atPath: folder.file(name),
                withDestinationPath: program
            )
        }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let result = try await InstallationFiles.run(
            "kubectl",
            ["__complete", "preview", "list", "-o", "y"],
            environment: ["PATH": "\(folder.path):\(path)", "HOME": folder.path]
        )
        #expect(result.output == "yaml\n:4\n", "\(result.errors)")
    }
}
