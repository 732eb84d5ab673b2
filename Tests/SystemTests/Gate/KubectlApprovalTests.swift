import DevCluster
import Foundation
import PreviewControl
import PreviewDomain
import Subprocess
import TestSupport
import Testing

/// What Docs/Approvals.md tells operators to type, typed.
@Suite("Approving with kubectl alone", .enabled(if: isKubectlInstalled, "kubectl is not installed"))
struct KubectlApprovalTests {
    @Test func theDocumentedCommandsReleaseTheWaitingCall() async throws {
        try await GateCluster.with(replicas: 2) { cluster in
            let (pending, start) = try await cluster.ask(0)
            try await run(try Self.script(deciding: pending, in: cluster), on: cluster)
            _ = try await start.value
            #expect(cluster.state(of: pending) == .consumed)
            #expect(cluster.timeline.events.map(\.kind) == [.approvalRequired, .approved, .started])
        }
    }

    @Test func theDocumentedCommandsRefuseWhatIsDecidedAlready() async throws {
        try await GateCluster.with(replicas: 2) { cluster in
            let (pending, start) = try await cluster.ask(0)
            let script = try Self.script(deciding: pending, in: cluster)
            // The decision of somebody else lands between the reading and the patch.
            try await cluster[1].deny(run: cluster.run, requestID: pending.id.text, by: "ada")
            let raced = script.replacingOccurrences(of: "OLD=$(kubectl", with: "OLD='\(pending.text)' # $(kubectl")
            #expect(raced != script)
            let result = try await execute(raced, on: cluster)
            #expect(!result.isSuccess)
            #expect(cluster.state(of: pending) == .denied)
            await #expect(throws: PreviewError.self) { _ = try await start.value }
        }
    }

    /// The documentation's script with the names of this cluster.
    private static func script(deciding approval: Approval, in cluster: GateCluster) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let page = try String(contentsOf: root.appending(path: "Docs/Approvals.md"), encoding: .utf8)
        let blocks = page.components(separatedBy: "```sh\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        let script = try #require(blocks.first { $0.contains("--type=json") })
        return
            script
            .replacingOccurrences(of: "CLAIM=agent-3f2a9c1e0000", with: "CLAIM=\(cluster.run.claimName)")
            .replacingOccurrences(of: "REQUEST=k7m2q4x3n5b3r6t5w2zac2d4f7", with: "REQUEST=\(approval.id.text)")
    }

    private func run(_ script: String, on cluster: GateCluster) async throws {
        let result = try await execute(script, on: cluster)
        #expect(result.isSuccess, "\(result.errors)")
    }

    private func execute(
        _ script: String,
        on cluster: GateCluster
    ) async throws -> (isSuccess: Bool, errors: String) {
        let home = FileManager.default.temporaryDirectory.appending(path: "kubectl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: home) }
        let config = home.appending(path: "config")
        try Data(try await cluster.server.kubeconfig().utf8).write(to: config)
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: ["-euc", script],
            environment: .inherit.updating(["HOME": home.path, "KUBECONFIG": config.path]),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return (result.terminationStatus.isSuccess, result.standardError)
    }
}

private let isKubectlInstalled = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
    FileManager.default.isExecutableFile(atPath: "\($0)/kubectl")
}
