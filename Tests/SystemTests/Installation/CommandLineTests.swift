import Foundation
import TestSupport
import Testing

private typealias Files = InstallationFiles

/// The built program's responses to its command line.
@Suite(
    "The command line",
    .enabled(if: ReplicaProcess.program != nil, "the service was not built"),
    .timeLimit(.minutes(10))
)
struct CommandLineTests {
    @Test("A bad setting gives exactly one line of output", arguments: ["serve", "reap --once", "list", "doctor"])
    func aBadSettingIsOneLine(command: String) async throws {
        let arguments = command.split(separator: " ").map(String.init)
        for flags in [
            ["--set", "Sandbox__Preview__Enabled=perhaps"], ["--set", "No__Such=1"], ["--config", "/none"],
        ] {
            let result = try await Files.run(try #require(ReplicaProcess.program), arguments + flags)
            #expect(!result.isSuccess && result.output.isEmpty)
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        }
    }

    @Test(
        "An address on which the service cannot listen gives one line that names the setting",
        arguments: [
            ("Server__Listen", "192.0.2.1:8080", "Cannot assign requested address"),
            ("Server__EndedPageListen", "192.0.2.1:8081", "Cannot assign requested address"),
            ("Server__Listen", "no-such-host.invalid:8080", "the host name has no address"),
        ]
    )
    func anUnavailableAddressIsOneLineThatNamesTheSetting(setting: String, address: String, reason: String) async throws
    {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let kubeconfig = try folder.write(
            "kubeconfig",
            """
            {"apiVersion": "v1", "kind": "Config", "current-context": "c",
             "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
             "contexts": [{"name": "c", "context": {"cluster": "c"}}]}
            """
        )
        let result = try await Files.run(
            try #require(ReplicaProcess.program),
            [
                "serve", "--set", "Sandbox__Preview__ZoneSuffix=preview.test", "--set",
                "Auth__ApiKey=key-of-32-characters-or-more-0000",
                "--set", "\(setting)=\(address)",
            ] + (setting == "Server__Listen" ? [] : ["--set", "Server__Listen=127.0.0.1:0"]),
            environment: ["KUBECONFIG": kubeconfig]
        )
        #expect(!result.isSuccess)
        // The other lines are the log.
        let errors = result.errors.split(separator: "\n").filter { !$0.hasPrefix("20") }
        #expect(errors == ["Error: \(setting)=\(address): cannot listen on this address: \(reason)"])
    }

    @Test("It prints its version")
    func theVersionIsPrinted() async throws {
        let result = try await Files.run(try #require(ReplicaProcess.program), ["--version"])
        #expect(result.isSuccess)
        #expect(result.output.wholeMatch(of: /\S+ \(commit \S+, \S+\)\n/) != nil, "\(result.output)")
    }
}
