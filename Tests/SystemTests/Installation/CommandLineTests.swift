import Foundation
import Testing

private typealias Files = InstallationFiles

/// The built program's answers to how it is called.
@Suite(
    "The command line",
    .enabled(if: ReplicaProcess.program != nil, "the service was not built"),
    .timeLimit(.minutes(10))
)
struct CommandLineTests {
    @Test("A bad setting is exactly one line", arguments: ["serve", "reap --once", "list", "doctor"])
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

    @Test("It says which version it is")
    func version() async throws {
        let result = try await Files.run(try #require(ReplicaProcess.program), ["--version"])
        #expect(result.isSuccess)
        #expect(result.output.wholeMatch(of: /\S+ \(commit \S+, \S+\)\n/) != nil, "\(result.output)")
    }
}
