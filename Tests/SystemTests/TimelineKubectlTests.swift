import CurlHTTP
import DevCluster
import FoundationEssentials
import KubernetesClient
import PreviewCluster
import PreviewControl
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@Suite(
    "The timeline in kubectl",
    .enabled(if: TestPrograms.isInstalled("kubectl"), "kubectl is not installed"),
    .timeLimit(.minutes(10))
)
struct TimelineKubectlTests {
    private static let namespace = "agentweaver"

    @Test func eventsAreShownWithTheirClaimAndInTheNamespacesList() async throws {
        let run = try RunID("3f2a9c1e-0000-4000-8000-000000000001")
        let store = ObjectStore()
        try store.create(.namespaces, namespace: nil, ["metadata": ["name": .string(Self.namespace)]])
        let claim = try store.create(
            .sandboxClaims,
            namespace: Self.namespace,
            ["metadata": ["name": .string(run.claimName)], "spec": ["warmPoolRef": ["name": "pool"]]]
        )
        let identity = ClaimIdentity(name: run.claimName, uid: claim.uid)
        try await withAPIServer(store: store) { server in
            let home = try TemporaryFolder()
            defer { home.remove() }
            let kubeconfig = try home.write("config", try await server.kubeconfig())

            let log = try KubernetesTimelineLog(
                client: client(kubeconfig),
                namespace: Self.namespace,
                logger: .silent
            )
            for (kind, message) in [
                (TimelineEvent.Kind.started, "The preview of port 3000 was started."),
                (.expiring, "The preview of port 3000 ends soon."),
            ] {
                let event = TimelineEvent(kind, run: run, claim: identity, subject: "1a2b3c4d", message: message)
                #expect(try await log.write(TimelineEntry(event, at: Date())))
            }

            let description = try await kubectl(home.path, kubeconfig, "describe", "sandboxclaim", run.claimName)
            let shown = description.drop { $0 != "E" }.split(separator: "\n").map { $0.split(separator: " ") }
            #expect(shown.contains { $0.starts(with: ["Normal", "PreviewStarted"]) })
            #expect(shown.contains { $0.starts(with: ["Warning", "PreviewExpiring"]) })
            #expect(description.contains("preview-gateway"))
            #expect(description.contains("The preview of port 3000 was started."))

            let list = try await kubectl(home.path, kubeconfig, "get", "events")
            #expect(list.contains("sandboxclaim/\(run.claimName)"))
            #expect(list.contains("PreviewExpiring"))
        }
    }

    private func client(_ kubeconfig: String) throws -> KubernetesClient {
        let configuration = try ClusterConfiguration.discover(kubeconfig: kubeconfig)
        return KubernetesClient(configuration: configuration) { try CurlTransport(trust: $0.trust) }
    }

    private func kubectl(_ home: String, _ kubeconfig: String, _ arguments: String...) async throws -> String {
        let result = try await InstallationFiles.run(
            "kubectl",
            ["-n", Self.namespace] + arguments,
            environment: ["HOME": home, "KUBECONFIG": kubeconfig]
        )
        #expect(result.isSuccess, "\(result.errors)")
        return result.output
    }
}
