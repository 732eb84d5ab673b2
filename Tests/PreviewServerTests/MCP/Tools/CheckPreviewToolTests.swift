import Basics
import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

@Suite("check_preview over MCP", .timeLimit(.minutes(2)))
struct CheckPreviewToolTests {
    /// A preview whose app has ended since the start.
    private func brokenPreview(_ harness: MCPHarness) async throws -> PreviewToken {
        let run = try RunID(APIHarness.run)
        let token = try await harness.previews.start(run: run, port: 3000, requester: "ada").session.token
        harness.cluster.setProbeOutcome(.noListener)
        // While the result of the start is fresh, a waiting caller would get it.
        harness.base.controlClock.advance(by: .seconds(2))
        return token
    }

    private func arguments(_ token: PreviewToken, wait: String? = nil) -> String {
        let wait = wait.map { #","wait_seconds":\#($0)"# } ?? ""
        return #"{"run_id":"\#(APIHarness.run)","session_id":"\#(token.text)"\#(wait)}"#
    }

    /// Lets the app answer once a call waits for it.
    private func repair(_ harness: MCPHarness) async {
        await harness.base.controlClock.waitForSleepers(1)
        harness.cluster.setProbeOutcome(.answered(ProbeResponse(status: 200)))
        harness.base.controlClock.advance(by: .seconds(1))
    }

    @Test(arguments: [nil, "0", "null"])
    func aCheckWithoutAWaitAnswersAtOnce(wait: String?) async throws {
        let harness = try await MCPHarness()
        let token = try await brokenPreview(harness)
        try await harness.test { client async throws in
            let (text, result) = try await client.callTool("check_preview", arguments(token, wait: wait))
            #expect(result["structuredContent"]?.objectValue?["readiness"] == "no_app")
            #expect(text.contains("does not work yet (no_app)"))
        }
    }

    @Test(arguments: ["30", #""30""#])
    func aCheckThatWaitsAnswersOnceThePreviewWorks(wait: String) async throws {
        let harness = try await MCPHarness()
        let token = try await brokenPreview(harness)
        try await harness.test { client async throws in
            async let answer = client.callTool("check_preview", arguments(token, wait: wait))
            await repair(harness)
            #expect(try await answer.text == "The preview works.")
        }
    }

    @Test func aCheckThatWaitsInVainSaysWhatIsWrong() async throws {
        let harness = try await MCPHarness()
        let token = try await brokenPreview(harness)
        try await harness.test { client async throws in
            async let answer = client.callTool("check_preview", arguments(token, wait: "2"))
            for _ in 0..<2 {
                await harness.base.controlClock.waitForSleepers(1)
                harness.base.controlClock.advance(by: .seconds(1))
            }
            let (_, result) = try await answer
            #expect(result["isError"] == false)
            #expect(result["structuredContent"]?.objectValue?["readiness"] == "no_app")
        }
    }

    @Test func onlyAClientThatWaitsGetsAStreamWithProgress() async throws {
        let harness = try await MCPHarness()
        let token = try await brokenPreview(harness)
        try await harness.testLive { port async throws in
            for wait in [nil, "30"] {
                try await RawClient.open(port: port) { connection async throws in
                    let call = Sample.call("check_preview", arguments(token, wait: wait))
                    let body = Sample.legacy("tools/call", call + #","_meta":{"progressToken":"p"}"#)
                    try await connection.send(
                        [
                            "POST /mcp HTTP/1.1", "Host: localhost", "Authorization: Bearer \(APIHarness.owner)",
                            "Content-Type: application/json", "Accept: application/json, text/event-stream",
                            "MCP-Protocol-Version: 2025-11-25", "Content-Length: \(body.utf8.count)", "", body,
                        ].joined(separator: "\r\n")
                    )
                    let head = try await connection.read(until: "\r\n\r\n").lowercased()
                    #expect(head.contains("content-type: text/event-stream") == (wait != nil))
                    guard wait != nil else { return }
                    let progress = try await connection.read(until: "\n\n")
                    #expect(progress.contains("checked until it works, for 30 seconds at most"))
                    await repair(harness)
                    let answer = try await connection.read(until: "\r\n0\r\n\r\n")
                    #expect(answer.contains("The preview works."))
                }
            }
        }
    }

    @Test func onlyACheckThatWaitsTakesAWaitingPlace() async throws {
        let harness = try await MCPHarness()
        let token = try await brokenPreview(harness)
        let api = harness.api
        let run = try RunID(APIHarness.run)
        let slots = try (0..<api.limits.maxWaitingPerRun).map { _ in try api.waitingCalls.slot(for: run) }
        try await harness.test { client async throws in
            let waiting = try await client.callTool("check_preview", arguments(token, wait: "1"))
            #expect(waiting.json["isError"] == true && waiting.text.contains("16 calls already wait for this run"))
            #expect(try await client.callTool("check_preview", arguments(token)).json["isError"] == false)
        }
        withExtendedLifetime(slots) {}
    }
}
