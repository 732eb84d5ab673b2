import DevCluster
import Foundation
import PreviewControl
import PreviewDomain
import TestSupport
import Testing

/// Decisions that are made by an edit of the claim's annotation, as anyone with kubectl can make them.
@Suite(
    "Approving with kubectl alone",
    .enabled(if: TestPrograms.isInstalled("kubectl"), "kubectl is not installed"),
    .timeLimit(.minutes(10))
)
struct KubectlApprovalTests {
    @Test func anEditedAnnotationReleasesTheWaitingCall() async throws {
        try await GateCluster.with(replicas: 2) { cluster in
            let (pending, start) = try await cluster.requestPreview(0)
            try await run(Self.script(deciding: pending, in: cluster), on: cluster)
            _ = try await start.value
            #expect(cluster.state(of: pending) == .consumed)
            #expect(cluster.timeline.events.map(\.kind) == [.approvalRequired, .approved, .started])
        }
    }

    @Test func anEditIsRefusedWhereTheRequestIsDecidedAlready() async throws {
        try await GateCluster.with(replicas: 2) { cluster in
            let (pending, start) = try await cluster.requestPreview(0)
            let script = Self.script(deciding: pending, in: cluster)
            // Another decision is written between the read and the patch.
            try await cluster[1].deny(run: cluster.run, requestID: pending.id.text, by: "ada")
            let raced = script.replacingOccurrences(of: "OLD=$(kubectl", with: "OLD='\(pending.text)' # $(kubectl")
            #expect(raced != script)
            let result = try await execute(raced, on: cluster)
            #expect(!result.isSuccess)
            #expect(cluster.state(of: pending) == .denied)
            await #expect(throws: PreviewError.self) { _ = try await start.value }
        }
    }

    /// Replaces the text that was read with one whose state is `granted`; the `test` operation fails if the text has
    /// changed meanwhile.
    private static func script(deciding approval: Approval, in cluster: GateCluster) -> String {
        #"""
        CLAIM=\#(cluster.run.claimName)
        REQUEST=\#(approval.id.text)
        quote() { sed 's/[\\"]/\\&/g; s/^/"/; s/$/"/'; }
        KEY="preview.agentweaver.dev/approval.$REQUEST"
        OLD=$(kubectl -n agentweaver get sandboxclaim "$CLAIM" -o go-template="{{index .metadata.annotations \"$KEY\"}}")
        NEW=$(printf '%s' "$OLD" | sed 's/"state":"pending"/"state":"granted"/')
        ANNOTATION="/metadata/annotations/preview.agentweaver.dev~1approval.$REQUEST"
        kubectl -n agentweaver patch sandboxclaim "$CLAIM" --type=json -p "[
          {\"op\": \"test\", \"path\": \"$ANNOTATION\", \"value\": $(printf '%s' "$OLD" | quote)},
          {\"op\": \"replace\", \"path\": \"$ANNOTATION\", \"value\": $(printf '%s' "$NEW" | quote)}
        ]"
        """#
    }

    private func run(_ script: String, on cluster: GateCluster) async throws {
        let result = try await execute(script, on: cluster)
        #expect(result.isSuccess, "\(result.errors)")
    }

    private func execute(_ script: String, on cluster: GateCluster) async throws -> InstallationFiles.Result {
        let home = try TemporaryFolder()
        defer { home.remove() }
        let config = try home.write("config", try await cluster.server.kubeconfig())
        let environment = ["HOME": home.path, "KUBECONFIG": config]
        return try await InstallationFiles.run("sh", ["-euc", script], environment: environment)
    }
}
