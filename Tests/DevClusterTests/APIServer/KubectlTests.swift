import DevCluster
import FoundationEssentials
import Subprocess
import TestSupport
import Testing

/// Runs commands of the real `kubectl` against the development cluster's API server.
@Suite(
    "kubectl",
    .enabled(if: TestPrograms.isInstalled("kubectl"), "kubectl is not installed"),
    .timeLimit(.minutes(10))
)
struct KubectlTests {
    static let manifest = """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: r, labels: {agentweaver.dev/preview: "true"}}
        spec:
          parentRefs: [{name: gateway}]
          hostnames: [a.example.com]
          rules: [{backendRefs: [{name: s, port: 80}]}]
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: s, labels: {agentweaver.dev/preview: "true"}}
        spec: {ports: [{port: 80, targetPort: 3000}], selector: {app: x}}
        """

    @Test("creates, applies, reads, patches and deletes")
    func kubectlCreatesAppliesReadsPatchesAndDeletes() async throws {
        try await withKubectl { manifest, kubectl async throws in
            #expect(try await kubectl("create", "namespace", "team") == "namespace/team created\n")
            #expect(
                try await kubectl("-n", "team", "apply", "-f", manifest)
                    == "httproute.gateway.networking.k8s.io/r created\nservice/s created\n"
            )
            let again = try await kubectl("-n", "team", "apply", "-f", manifest)
            #expect(again.contains("service/s unchanged"))
            let applied = try await kubectl(
                "-n",
                "team",
                "apply",
                "--server-side",
                "--force-conflicts",
                "-f",
                manifest
            )
            #expect(applied.contains("service/s serverside-applied"))
            let list = try await kubectl("get", "httproutes,services", "-A", "-l", "agentweaver.dev/preview=true")
            #expect(list.contains("HOSTNAMES") && list.contains("service/s") && list.contains("80/TCP"))
            #expect(
                try await kubectl("-n", "team", "get", "httproute", "r", "-o", "jsonpath={.spec.hostnames[0]}")
                    == "a.example.com"
            )
            #expect(try await kubectl("-n", "team", "describe", "service", "s").contains("3000/TCP"))
            #expect(try await kubectl("-n", "team", "label", "service", "s", "x=y").contains("labeled"))
            #expect(try await kubectl("-n", "team", "annotate", "httproute", "r", "x=y").contains("annotated"))
            for (type, patch) in [
                ("strategic", #"{"metadata":{"labels":{"z":"1"}}}"#), ("merge", #"{"metadata":{"labels":{"z":"2"}}}"#),
                ("json", #"[{"op":"replace","path":"/metadata/labels/z","value":"3"}]"#),
            ] {
                #expect(
                    try await kubectl("-n", "team", "patch", "service", "s", "--type", type, "-p", patch)
                        == "service/s patched\n"
                )
            }
            #expect(try await kubectl("-n", "team", "get", "events").isEmpty)
            #expect(try await kubectl("auth", "can-i", "get", "pods") == "yes\n")
            #expect(try await kubectl("-n", "team", "delete", "httproute", "r").contains("deleted"))
            #expect(try await kubectl("delete", "namespace", "team") == "namespace \"team\" deleted\n")
            #expect(try await kubectl("get", "services", "-A").isEmpty)
        }
    }

    @Test("lists the kinds and accepts their short names")
    func kubectlListsTheKindsAndAcceptsTheirShortNames() async throws {
        try await withKubectl { _, kubectl async throws in
            let resources = try await kubectl("api-resources", "--no-headers", "-o", "name")
            #expect(resources.contains("httproutes.gateway.networking.k8s.io"))
            #expect(resources.contains("sandboxclaims.extensions.agents.x-k8s.io"))
            #expect(try await kubectl("get", "gtw").isEmpty)
        }
    }

    private typealias Kubectl = @Sendable (String...) async throws -> String

    /// Calls `body` with the manifest's path and a function that runs `kubectl` against a new API server.
    ///
    /// `kubectl` has a home directory of its own, so that it uses no other configuration or cache.
    private func withKubectl(_ body: @Sendable (_ manifest: String, Kubectl) async throws -> Void) async throws {
        let home = try TemporaryFolder()
        defer { home.remove() }
        let manifest = try home.write("manifest.yaml", Self.manifest)
        try await withAPIServer { server in
            let config = try home.write("config", try await server.kubeconfig())
            try await body(manifest) { arguments in
                let result = try await run(
                    .name("kubectl"),
                    arguments: Arguments(arguments),
                    environment: .inherit.updating(["HOME": home.path, "KUBECONFIG": config]),
                    output: .string(limit: 1 << 20),
                    error: .string(limit: 1 << 20)
                )
                #expect(result.terminationStatus == .exited(0), "\(result.standardError)")
                return result.standardOutput
            }
        }
    }
}
