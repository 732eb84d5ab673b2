import Foundation
import TestSupport
import Testing

private typealias Files = InstallationFiles

/// `k8s/verify.sh` with a kubectl that prints fixed responses.
@Suite(
    "The script that verifies an installation",
    .enabled(if: TestPrograms.isInstalled("curl"), "curl is not installed"),
    .timeLimit(.minutes(2))
)
struct VerifyScriptTests {
    /// Prints more runs than a pipe holds, and forwards no port.
    private static let kubectl = """
        #!/usr/bin/env bash
        case "$*" in
            *sandboxclaims*)
                echo
                for ((i = 0; i < 5000; i++)); do printf 'run-%s-0000-4000-8000-000000000001\\n' "$i"; done ;;
            *port-forward*)
                echo "$$" >>"$FORWARDS"
                printf '%s\\n' "$FORWARDED"
                exec sleep 600 ;;
        esac
        """

    /// Runs the script with these groups of checks.
    ///
    /// - Parameter forwarded: What the port-forward prints.
    /// - Returns: The script's output, and the processes of its port-forwards.
    private func verify(_ groups: Set<String>, forwarded: String) async throws -> (output: String, forwards: [Int32]) {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try folder.write("kubectl", Self.kubectl, executable: true)
        let bearer = try folder.write("bearer", "a-token\n")
        let forwards = folder.file("forwards")
        let all = [
            "pods", "gateways", "routes", "role", "policies", "service", "smoke", "negatives", "network",
        ]
        let result = try await Files.run(
            "bash",
            [
                ProjectFiles.path("k8s/verify.sh"), "--bearer-file", bearer, "--key-file", bearer,
                "--skip", all.filter { !groups.contains($0) }.joined(separator: ","),
            ],
            environment: [
                "PATH": "\(folder.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")",
                "FORWARDS": forwards, "FORWARDED": forwarded,
            ]
        )
        return (result.output, try folder.read("forwards").split(separator: "\n").compactMap { Int32($0) })
    }

    @Test func amongManyRunsTheFirstIsUsed() async throws {
        let (output, _) = try await verify(["smoke"], forwarded: "Forwarding from 127.0.0.1:1 -> 8080")
        #expect(output.contains("✗ smoke: a preview of run run-0-0000-4000-8000-000000000001 starts"), "\(output)")
    }

    @Test func aPortForwardEndsWithTheScript() async throws {
        let (_, forwards) = try await verify(["service"], forwarded: "Forwarding from 127.0.0.1:1 -> 8080")
        #expect(forwards.count == 1)
        #expect(forwards.allSatisfy { kill($0, 0) != 0 })
    }

    @Test func aPortForwardThatFailsEndsBeforeTheNextAttempt() async throws {
        let (output, forwards) = try await verify(["service", "negatives"], forwarded: "error: no pod")
        #expect(output.contains("✗ service: port-forward failed"), "\(output)")
        #expect(forwards.count == 2)
        #expect(forwards.allSatisfy { kill($0, 0) != 0 })
    }
}
