import Foundation
import HTTPTypes
import TestSupport
import Testing

private let schemathesis = TestPrograms.named(by: "SCHEMATHESIS")

/// Requests that schemathesis (https://schemathesis.io) generates from the API's description, sent to the whole
/// service.
@Suite(
    "The API against its description",
    .enabled(if: schemathesis != nil, "SCHEMATHESIS names no executable: see .ci/setup schemathesis"),
    .timeLimit(.minutes(10))
)
struct SchemathesisTests {
    @Test(.timeLimit(.minutes(5)))
    func allChecksPass() async throws {
        let executable = try #require(schemathesis)
        try await ServiceUnderTest.run(
            settings: [
                // Requests must neither wait nor be refused by a limit.
                "Sandbox__Preview__AutoApprove": "true", "Sandbox__Preview__MaxConcurrentSessionsPerRun": "1000",
                "Sandbox__Preview__MaxConcurrentSessionsGlobal": "100000", "Server__RequestsPerSecond": "100000",
                "Server__RequestBurst": "100000",
            ]
        ) { service in
            try service.addSandbox()
            let result = try await InstallationFiles.run(
                "env",
                [
                    // It creates a folder in its working directory.
                    "-C", FileManager.default.temporaryDirectory.path, executable,
                    "--config-file", ProjectFiles.path("Tests/Schemathesis/schemathesis.toml"),
                    "run", ProjectFiles.path("Docs/openapi.yaml"),
                    "--url", "http://127.0.0.1:\(service.port)",
                    "--header", "Authorization: Bearer \(ServiceUnderTest.owner)",
                    "--checks", "all", "--max-examples", "40", "--workers", "1", "--seed", "1", "--no-color",
                    "--generation-database", "none", "--suppress-health-check", "all",
                ],
                environment: ["NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"]
            )
            #expect(result.isSuccess, "\(result.output + result.errors)")
        }
    }
}
