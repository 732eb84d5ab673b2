import Foundation
import PreviewDomain
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
    /// Prints more runs than a pipe holds, or those of a variable, and forwards no port.
    private static let kubectl = """
        #!/usr/bin/env bash
        case "$*" in
            *sandboxclaims*)
                if [[ -n ${RUNS+set} ]]; then printf '%b' "$RUNS"; exit; fi
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
    /// - Parameters:
    ///   - forwarded: What the port-forward prints.
    ///   - runs: The lines with the runs of the claims, with escaped newlines; thousands of runs if `nil`.
    /// - Returns: The script's output, and the processes of its port-forwards.
    private func verify(
        _ groups: Set<String>,
        forwarded: String,
        runs: String? = nil
    ) async throws -> (output: String, forwards: [Int32]) {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try folder.write("kubectl", Self.kubectl, executable: true)
        let bearer = try folder.write("bearer", "a-token\n")
        let forwards = folder.file("forwards")
        let all = [
            "pods", "gateways", "routes", "role", "policies", "service", "smoke", "negatives", "network",
        ]
        var environment = [
            "PATH": "\(folder.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")",
            "FORWARDS": forwards, "FORWARDED": forwarded,
        ]
        if let runs { environment["RUNS"] = runs }
        let result = try await Files.run(
            "bash",
            [
                ProjectFiles.path("k8s/verify.sh"), "--bearer-file", bearer, "--key-file", bearer,
                "--skip", all.filter { !groups.contains($0) }.joined(separator: ","),
            ],
            environment: environment
        )
        return (result.output, try folder.read("forwards").split(separator: "\n").compactMap { Int32($0) })
    }

    @Test func amongManyRunsTheFirstIsUsed() async throws {
        let (output, _) = try await verify(["smoke"], forwarded: "Forwarding from 127.0.0.1:1 -> 8080")
        #expect(output.contains("✗ smoke: a preview of run run-0-0000-4000-8000-000000000001 starts"), "\(output)")
    }

    @Test func aClaimThatNamesItsRunNowhereIsNotTakenForNoSandbox() async throws {
        let (output, _) = try await verify(["smoke"], forwarded: "Forwarding from 127.0.0.1:1 -> 8080", runs: #"\n\n"#)
        #expect(output.contains("– smoke: no claim with a sandbox names its run: use --run"), "\(output)")
    }

    /// Otherwise the router would forward the decision, and the check would be about the core API.
    @Test func theAgentsDecisionIsAboutARequestThatThisServiceMayHave() throws {
        let script = try ProjectFiles.text("k8s/verify.sh")
        let ids = script.matches(of: /\{"request_id": "([^"]+)"\}/).map { String($0.1) }
        #expect(ids.count == 1)
        for id in ids { #expect(ApprovalRequestID(id) != nil, "\(id)") }
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
