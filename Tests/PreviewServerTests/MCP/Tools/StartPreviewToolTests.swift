import FoundationEssentials
import HTTPTransport
import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import PreviewIdentity
import Synchronization
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

@Suite("start_preview over MCP", .timeLimit(.minutes(1)))
struct StartPreviewToolTests {
    private static let arguments = #"{"run_id":"\#(APIHarness.run)","port":3000}"#

    /// The bytes of a call, as a client of the given revision sends it.
    private static func request(
        _ version: String = "2025-11-25",
        arguments: String = arguments,
        progressToken: String? = nil,
        accept: String = "application/json, text/event-stream",
        bearer: String = APIHarness.owner,
        requestID: String = "request-1"
    ) -> String {
        var meta: [String] = progressToken.map { [#""progressToken":\#($0)"#] } ?? []
        if version == "2026-07-28" {
            meta += [
                #""io.modelcontextprotocol/protocolVersion":"\#(version)""#,
                #""io.modelcontextprotocol/clientCapabilities":{}"#,
            ]
        }
        let body = Sample.legacy(
            "tools/call",
            Sample.call("start_preview", arguments) + #","_meta":{\#(meta.joined(separator: ","))}"#,
            id: #""call-1""#
        )
        return [
            "POST /mcp HTTP/1.1", "Host: localhost", "Authorization: Bearer \(bearer)", "X-Request-ID: \(requestID)",
            "Content-Type: application/json", "Accept: \(accept)", "MCP-Protocol-Version: \(version)",
            "Mcp-Method: tools/call", "Mcp-Name: start_preview", "Content-Length: \(body.utf8.count)", "", body,
        ].joined(separator: "\r\n")
    }

    @Test(arguments: ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"])
    func progressIsSentWhileAHumanIsWaitedFor(version: String) async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            try await RawClient.open(port: port) { connection async throws in
                try await connection.send(Self.request(version, progressToken: #""p""#))
                let head = try await connection.read(until: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 200"))
                #expect(head.lowercased().contains("content-type: text/event-stream"))
                #expect(head.lowercased().contains("x-accel-buffering: no"))
                let pending = try await connection.read(until: "\n\n")
                let request = try await harness.pending()
                #expect(
                    pending.contains(
                        """
                        event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":\
                        {"message":"Request \(request.id.displayID) waits until a human approves it: \
                        \(request.question) The run's owner decides on the run's page in Agentweaver, in the approval \
                        card, or with POST /api/runs/\(APIHarness.run)/tool-approvals and \
                        {\\"request_id\\": \\"\(request.id.text)\\"}.","progress":1,"progressToken":"p"}}\n\n
                        """
                    )
                )
                for count in 2...4 {
                    await harness.clock.waitForSleepers(1)
                    harness.clock.advance(by: CallProgress.interval)
                    let progress = try await connection.read(until: "\n\n")
                    #expect(progress.contains(#""progress":\#(count),"progressToken":"p""#))
                }
                #expect(harness.cluster.liveRoutes.isEmpty)
                try await harness.approve()
                let answer = try await connection.read(until: "\r\n0\r\n\r\n")
                #expect(answer.contains(#""id":"call-1","jsonrpc":"2.0","result":{"#))
                #expect(answer.contains("-preview.preview.example.com"))
                #expect(answer.contains(#""isError":false"#))
                #expect(answer.contains(#""resultType":"complete""#) == (version == "2026-07-28"))
                #expect(harness.cluster.liveRoutes.count == 1)
            }
        }
    }

    /// Approves every run's tools, and records for which caller and which request it was asked.
    private final class RecordingFacts: RunFactsSource {
        struct Origin: Hashable {
            let caller: String?
            let hasBearer: Bool
            let requestID: String?
        }

        private let recorded = Mutex<Set<Origin>>([])
        var origins: Set<Origin> { recorded.withLock(\.self) }

        func facts(of run: RunID) async -> RunFacts? {
            let caller = Caller.current
            let origin = Origin(
                caller: caller?.identity,
                hasBearer: caller?.bearer != nil,
                requestID: RequestTrace.current?.requestID
            )
            recorded.withLock { _ = $0.insert(origin) }
            return RunFacts(approvesToolsAutomatically: true)
        }

        func forget(_ run: RunID) {}
    }

    @Test(arguments: ["text/event-stream", "application/json"])
    func aCallActsForItsCallerAndItsRequestToItsEnd(accept: String) async throws {
        let facts = RecordingFacts()
        let harness = try await MCPHarness(facts: facts)
        try await harness.testLive { port async throws in
            try await RawClient.open(port: port) { connection async throws in
                try await connection.send(Self.request(accept: accept, requestID: "mine"))
                _ = try await connection.read(until: #""isError":false"#)
            }
        }
        let origins = facts.origins
        #expect(!origins.isEmpty)
        #expect(origins.allSatisfy { $0.caller != nil && $0.hasBearer && $0.requestID == "mine" }, "\(origins)")
    }

    @Test func commentsKeepTheConnectionOfAClientThatWantsNoProgress() async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            try await RawClient.open(port: port) { connection async throws in
                try await connection.send(Self.request())
                for _ in 0..<3 {
                    let comment = try await connection.read(until: "\n\n")
                    #expect(comment.contains(": waiting\n\n"))
                    await harness.clock.waitForSleepers(1)
                    harness.clock.advance(by: CallProgress.interval)
                }
                try await harness.approve()
                let answer = try await connection.read(until: "\r\n0\r\n\r\n")
                #expect(!answer.contains("notifications/progress"))
                #expect(answer.contains(#""isError":false"#))
            }
        }
    }

    @Test func aClientThatTakesNoEventsGetsOneJSONAnswer() async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            try await RawClient.open(port: port) { connection async throws in
                try await connection.send(Self.request(progressToken: "1", accept: "application/json"))
                try await harness.approve()
                let head = try await connection.read(until: "\r\n\r\n")
                #expect(head.lowercased().contains("content-type: application/json"))
                let answer = try await connection.read(until: #""jsonrpc":"2.0""#)
                #expect(answer.hasPrefix(#"{"id":"call-1""#))
            }
        }
    }

    @Test(arguments: ["application/json, text/event-stream", "application/json"])
    func aClientThatLeavesEndsItsCallAndNotItsRequest(accept: String) async throws {
        let harness = try await MCPHarness()
        let gateClock = harness.base.controlClock
        try await harness.testWithoutNotifications { port async throws in
            try await RawClient.open(port: port) { connection async throws in
                try await connection.send(Self.request(progressToken: "1", accept: accept))
                await waitUntil { gateClock.sleeperCount == 1 }
            }
            await waitUntil { gateClock.sleeperCount == 0 }
            #expect(try harness.approvals().map(\.state) == [.pending])
            #expect(harness.cluster.liveRoutes.isEmpty)

            // A caller that returns uses the decision that was made meanwhile.
            try await harness.approve()
            let answer = try await RawClient.open(port: port) { connection async throws in
                try await connection.send(Self.request())
                return try await connection.read(until: "\r\n0\r\n\r\n")
            }
            #expect(answer.contains(#""isError":false"#))
            #expect(try harness.approvals().map(\.state) == [.consumed])
            #expect(harness.cluster.liveRoutes.count == 1)
        }
    }

    @Test func aRepeatedCallJoinsTheRequestThatWaits() async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            try await RawClient.open(port: port) { first async throws in
                try await first.send(Self.request(progressToken: "1"))
                _ = try await first.read(until: "waits until a human approves it")
                try await RawClient.open(port: port) { second async throws in
                    try await second.send(Self.request(progressToken: "2"))
                    _ = try await second.read(until: "waits until a human approves it")
                    #expect(try harness.approvals().count == 1)
                    try await harness.approve()
                    let answers =
                        try await first.read(until: "\r\n0\r\n\r\n") + second.read(until: "\r\n0\r\n\r\n")
                    #expect(answers.contains(#""isError":false"#))
                    #expect(harness.cluster.liveRoutes.count == 1)
                }
            }
        }
    }

    @Test func aDenialIsGivenToTheModel() async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            try await RawClient.open(port: port) { connection async throws in
                try await connection.send(Self.request())
                try await harness.deny()
                let answer = try await connection.read(until: "\r\n0\r\n\r\n")
                #expect(answer.contains(#""isError":true"#))
                #expect(answer.contains("Not today."))
                #expect(answer.contains("Do not ask again"))
                #expect(harness.cluster.liveRoutes.isEmpty)
            }
        }
    }

    @Test func aReachedLimitNamesWhatCanBeStopped() async throws {
        let harness = try await MCPHarness()
        let run = try RunID(APIHarness.run)
        for port in 3001...3003 { _ = try await harness.previews.start(run: run, port: port, requester: "ada") }
        let answer = try await start(harness)
        #expect(answer.contains(#""isError":true"#))
        #expect(answer.contains("Wait"))
        for token in harness.cluster.liveRoutes { #expect(answer.contains("session_id \(token.text): port 300")) }
        #expect(harness.cluster.liveRoutes.count == 3)
        #expect(try harness.approvals().isEmpty)
    }

    @Test func aRunWithoutASandboxIsToldToStartItsServerFirst() async throws {
        let harness = try await MCPHarness()
        let answer = try await start(
            harness,
            arguments: #"{"run_id":"no-such-run","port":3000}"#,
            bearer: AccessIdentity.operator.bearer
        )
        #expect(answer.contains(#""isError":true"#))
        #expect(answer.contains("Start your server in the run's sandbox first"))
    }

    @Test(arguments: [
        ("22", "from 3000 to 9000"), ("0", "from 3000 to 9000"), ("-1", "from 3000 to 9000"),
        ("65536", "from 3000 to 9000"), (#""65536""#, "from 3000 to 9000"), ("3000.5", "whole number"),
        ("1e99", "whole number"), ("null", "port is missing"), ("true", "whole number"), (#""-1""#, "whole number"),
        (#""3000.0""#, "whole number"), (#"" 3000""#, "whole number"), (#""+3000""#, "whole number"),
        (#""""#, "whole number"), (#""99999999999999999999""#, "whole number"),
    ])
    func aPortThatCannotBeIsExplained(port: String, explanation: String) async throws {
        let harness = try await MCPHarness()
        let answer = try await start(harness, arguments: #"{"run_id":"\#(APIHarness.run)","port":\#(port)}"#)
        #expect(answer.contains(#""isError":true"#))
        #expect(answer.contains(explanation))
        #expect(try harness.approvals().isEmpty)
    }

    @Test(arguments: [#""3000""#, "3000", "3000.0", "3e3"])
    func aPortMayBeWrittenAsText(port: String) async throws {
        let harness = try await MCPHarness()
        try await harness.base.gate.setAutoApprove(run: RunID(APIHarness.run), to: true, by: "ada")
        let answer = try await start(
            harness,
            arguments: #"{"run_id":"\#(APIHarness.run)","port":\#(port),"session_id":null}"#
        )
        #expect(answer.contains(#""isError":false"#))
        #expect(answer.contains(#""target_port":3000"#))
    }

    @Test func aPreviewThatDoesNotWorkYetSaysWhy() async throws {
        let harness = try await MCPHarness()
        harness.cluster.setProbeOutcome(.noListener)
        try await harness.testLive { port async throws in
            try await RawClient.open(port: port) { connection async throws in
                try await connection.send(Self.request())
                try await harness.approve()
                let answer = try await connection.read(until: "\r\n0\r\n\r\n")
                #expect(answer.contains(#""isError":false"#))
                #expect(answer.contains(#""ready":false"#))
                #expect(answer.contains("does not work yet"))
                #expect(answer.contains("listen on 0.0.0.0"))
            }
        }
    }

    /// Calls the tool over a real connection where no decision is needed, and reads the response to its end.
    private func start(
        _ harness: MCPHarness,
        arguments: String = arguments,
        bearer: String = APIHarness.owner
    ) async throws -> String {
        let answer = Mutex("")
        try await harness.testLive { port async throws in
            try await RawClient.open(port: port) { connection async throws in
                try await connection.send(Self.request(arguments: arguments, bearer: bearer))
                let text = try await connection.read(until: "\r\n0\r\n\r\n")
                answer.withLock { $0 = text }
            }
        }
        return answer.withLock { $0 }
    }
}
