import Basics
import FoundationEssentials
import Subprocess
import TestSupport
import Testing

@testable import PreviewServer

/// The official Python SDK as the client, in a separate process.
struct PythonMCPClient {
    /// The interpreter that `MCP_PYTHON` names; it has the package `mcp`. `.ci/setup mcp` creates it.
    static let interpreter = TestPrograms.named(by: "MCP_PYTHON")

    /// One line of the client's output, with one or several members.
    typealias Report = [String: JSONValue]

    /// Runs the script `Tests/Scripts/mcp_client.py`.
    ///
    /// - Parameter handle: Gets each report as it arrives.
    static func run(
        _ arguments: [String],
        handle: @escaping @Sendable (Report) async throws -> Void
    ) async throws {
        let script = ProjectFiles.path("Tests/Scripts/mcp_client.py")
        let result = try await Subprocess.run(
            .name("env"),
            arguments: Arguments([try #require(interpreter), script] + arguments),
            input: .none,
            output: .sequence,
            error: .string(limit: 1 << 16)
        ) { execution in
            for try await line in execution.standardOutput.strings() {
                try await handle(try JSONDecoder().decode(Report.self, from: Data(line.utf8)))
            }
        }
        #expect(result.terminationStatus == .exited(0), "\(result.standardError)")
    }
}
