import Basics
import PreviewControl
import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewServer

/// Tests the MCP endpoint with the official Python SDK. The SDK checks every result against its own models of the
/// protocol, and structured content against the tools' output schemas.
@Suite(
    "The official MCP client",
    .enabled(if: PythonMCPClient.interpreter != nil, "MCP_PYTHON names no Python that has the package mcp"),
    .timeLimit(.minutes(2))
)
struct MCPClientTests {
    private static let toolNames: JSONValue = ["start_preview", "list_previews", "check_preview", "stop_preview"]

    @Test(arguments: [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
    func usesEveryTool(mode: String, revision: String) async throws {
        let service = try await MCPServiceUnderTest(approvals: ApprovalPolicy(approvesAutomatically: true))
        let reports = Mutex<PythonMCPClient.Report>([:])
        try await service.serve { url in
            let arguments = ["tour", url, MCPServiceUnderTest.key, MCPServiceUnderTest.run, mode]
            try await PythonMCPClient.run(arguments) { report in
                reports.withLock { $0.merge(report) { $1 } }
            }
        }
        let said = reports.withLock { $0 }
        #expect(said["protocol"]?.stringValue == revision)
        #expect(said["server"] == "preview-gateway")
        #expect(said["tools"] == Self.toolNames)
        #expect(said["start"]?.objectValue?["is_error"] == false)
        let url = try #require(said["start"]?.objectValue?["structured"]?.objectValue?["preview_url"]?.stringValue)
        #expect(said["start"]?.objectValue?["text"]?.stringValue?.contains(url) == true)
        guard case .array(let previews) = said["list"]?.objectValue?["structured"]?.objectValue?["previews"] else {
            Issue.record("no list")
            return
        }
        #expect(previews.map { $0.objectValue?["preview_url"]?.stringValue } == [url])
        #expect(said["stop"]?.objectValue?["structured"]?.objectValue?["stopped"] == true)
        #expect(said["refused"]?.objectValue?["is_error"] == true)
        #expect(said["refused"]?.objectValue?["text"]?.stringValue?.contains("from 3000 to 9000") == true)
        #expect(said["fault"] == -32602)
        #expect(service.cluster.liveRoutes.isEmpty)
    }

    @Test(arguments: ["auto", "legacy"])
    func aCheckWaitsUntilTheAppIsBack(mode: String) async throws {
        let service = try await MCPServiceUnderTest(approvals: ApprovalPolicy(approvesAutomatically: true))
        let reports = Mutex<PythonMCPClient.Report>([:])
        try await service.serve { url in
            let arguments = ["checking", url, MCPServiceUnderTest.key, MCPServiceUnderTest.run, mode]
            try await PythonMCPClient.run(arguments) { report in
                reports.withLock { $0.merge(report) { $1 } }
                if report["started"] != nil { service.cluster.setProbeOutcome(.noListener) }
                if report["progress"] == 1 {
                    await service.controlClock.waitForSleepers(1)
                    service.cluster.setProbeOutcome(.answered(ProbeResponse(status: 200)))
                    service.controlClock.advance(by: .seconds(1))
                }
            }
        }
        let said = reports.withLock { $0 }
        #expect(said["message"]?.stringValue?.contains("for 30 seconds at most") == true)
        #expect(said["check"]?.objectValue?["structured"]?.objectValue?["readiness"] == "serving")
        #expect(said["refused"]?.objectValue?["is_error"] == true)
        #expect(said["refused"]?.objectValue?["text"]?.stringValue?.contains("from 0 to 60") == true)
    }

    /// The SDK gives up a call after 300 seconds of silence. Here that time is two seconds, and the clocks of the
    /// service and of the cluster advance by one interval with every progress message that the client receives. On both
    /// sides, therefore, more time passes than the client would wait in silence.
    @Test(arguments: ["auto", "legacy"])
    func progressKeepsACallAliveForLongerThanTheClientsTimeOut(mode: String) async throws {
        let sdkTimeout = Duration.seconds(300)
        let service = try await MCPServiceUnderTest(approvals: ApprovalPolicy(window: sdkTimeout * 2))
        let run = try RunID(MCPServiceUnderTest.run)
        let waited = Mutex(Duration.zero)
        let reports = Mutex<PythonMCPClient.Report>([:])
        try await service.serve { url in
            let arguments = ["patience", url, MCPServiceUnderTest.key, run.text, mode]
            try await PythonMCPClient.run(arguments) { report in
                reports.withLock { $0.merge(report) { $1 } }
                guard report["progress"] != nil else { return }
                let total = waited.withLock { total in
                    total += CallProgress.interval
                    return total
                }
                if report["outlasted"] == true, total > sdkTimeout {
                    let request = try #require(service.cluster.approvals(of: run).first)
                    try await service.gate.approve(run: run, requestID: request.id.text, scope: .once, by: "ada")
                } else {
                    await service.clock.waitForSleepers(1)
                    service.cluster.advance(by: CallProgress.interval)
                    service.clock.advance(by: CallProgress.interval)
                }
            }
        }
        let said = reports.withLock { $0 }
        #expect(said["gave_up"] == true)
        #expect(said["message"]?.stringValue?.contains("waits until a human approves it") == true)
        #expect(said["start"]?.objectValue?["is_error"] == false)
        // The call that was given up and the later one share one request, which led to one preview.
        #expect(service.cluster.approvals(of: run).map(\.state) == [.consumed])
        #expect(service.cluster.liveRoutes.count == 1)
    }

    /// With revision 2025-11-25 the SDK gives up a call but leaves its stream open, so that the service still treats
    /// the call as waiting. Whichever of the two calls starts the preview, the live one gets its address: if both wait
    /// for the approval, and if only the first one waited. With revision 2026-07-28 the SDK closes the stream, and only
    /// the second call waits.
    @Test(arguments: [("overtaking", "auto"), ("overtaking", "legacy"), ("returning", "legacy")])
    func aCallAfterAnAbandonedOneGetsThePreview(play: String, mode: String) async throws {
        let service = try await MCPServiceUnderTest(approvals: ApprovalPolicy())
        let run = try RunID(MCPServiceUnderTest.run)
        let reports = Mutex<PythonMCPClient.Report>([:])
        try await service.serve { url in
            let arguments = [play, url, MCPServiceUnderTest.key, run.text, mode]
            try await PythonMCPClient.run(arguments) { report in
                let isTimeToApprove = report[play == "overtaking" ? "progress" : "gave_up"] != nil
                let isFirst = reports.withLock { known in
                    defer { known.merge(report) { $1 } }
                    return known[play == "overtaking" ? "progress" : "gave_up"] == nil
                }
                guard isTimeToApprove, isFirst else { return }
                let request = try #require(service.cluster.approvals(of: run).first)
                try await service.gate.approve(run: run, requestID: request.id.text, scope: .once, by: "ada")
            }
        }
        let said = reports.withLock { $0 }
        #expect(said["gave_up"] == true)
        #expect(said["start"]?.objectValue?["is_error"] == false)
        let url = try #require(said["start"]?.objectValue?["structured"]?.objectValue?["preview_url"]?.stringValue)
        let token = try #require(service.cluster.liveRoutes.first)
        #expect(url.contains(token.text))
        #expect(said["first"].map { $0.stringValue == url } ?? true)
        #expect(service.cluster.liveRoutes.count == 1)
        #expect(service.cluster.approvals(of: run).map(\.state) == [.consumed])
    }
}
