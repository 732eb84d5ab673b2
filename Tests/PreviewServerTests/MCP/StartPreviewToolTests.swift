import FoundationEssentials
import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewServer

@Suite("start_preview over MCP")
struct StartPreviewToolTests {
    private static let arguments = #"{"run_id":"\#(APIHarness.run)","port":3000}"#

    /// The bytes of a call, as a client of a revision sends it.
    private static func request(
        _ version: String = "2025-11-25",
        arguments: String = arguments,
        progressToken: String? = nil,
        accept: String = "application/json, text/event-stream"
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
            "POST /mcp HTTP/1.1", "Host: localhost", "Authorization: Bearer \(APIHarness.key)",
            "Content-Type: application/json", "Accept: \(accept)", "MCP-Protocol-Version: \(version)",
            "Mcp-Method: tools/call", "Mcp-Name: start_preview", "Content-Length: \(body.utf8.count)", "", body,
        ].joined(separator: "\r\n")
    }

    private func until(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test(arguments: ["2026-07-28", "2025-11-25", "2025-06-18"])
    func progressIsSentWhileAHumanIsWaitedFor(version: String) async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            try await RawConnection.open(port: port) { connection async throws in
                try await connection.send(Self.request(version, progressToken: #""p""#))
                let head = try await connection.read(until: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 200"))
                #expect(head.lowercased().contains("content-type: text/event-stream"))
                #expect(head.lowercased().contains("x-accel-buffering: no"))
                let pending = try await connection.read(until: "\n\n")
                #expect(
                    pending.contains(
                        """
                        event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":\
                        {"message":"A human has to approve request 1a2b3c4d.","progress":1,"progressToken":"p"}}\n\n
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
                harness.approval.decide(.approve)
                let answer = try await connection.read(until: "\r\n0\r\n\r\n")
                #expect(answer.contains(#""id":"call-1","jsonrpc":"2.0","result":{"#))
                #expect(answer.contains("-preview.preview.example.com"))
                #expect(answer.contains(#""isError":false"#))
                #expect(answer.contains(#""resultType":"complete""#) == (version == "2026-07-28"))
                #expect(harness.cluster.liveRoutes.count == 1)
            }
        }
    }

    @Test func commentsKeepTheConnectionOfAClientThatWantsNoProgress() async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            try await RawConnection.open(port: port) { connection async throws in
                try await connection.send(Self.request())
                for _ in 0..<3 {
                    let comment = try await connection.read(until: "\n\n")
                    #expect(comment.contains(": waiting\n\n"))
                    await harness.clock.waitForSleepers(1)
                    harness.clock.advance(by: CallProgress.interval)
                }
                harness.approval.decide(.approve)
                let answer = try await connection.read(until: "\r\n0\r\n\r\n")
                #expect(!answer.contains("notifications/progress"))
                #expect(answer.contains(#""isError":false"#))
            }
        }
    }

    @Test func aClientThatTakesNoEventsGetsOneJSONAnswer() async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            try await RawConnection.open(port: port) { connection async throws in
                try await connection.send(Self.request(progressToken: "1", accept: "application/json"))
                await until { harness.approval.waitingCount == 1 }
                harness.approval.decide(.approve)
                let head = try await connection.read(until: "\r\n\r\n")
                #expect(head.lowercased().contains("content-type: application/json"))
                let answer = try await connection.read(until: #""jsonrpc":"2.0""#)
                #expect(answer.hasPrefix(#"{"id":"call-1""#))
            }
        }
    }

    @Test(arguments: ["application/json, text/event-stream", "application/json"])
    func aClientThatLeavesEndsTheWaitAndNothingIsStarted(accept: String) async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            try await RawConnection.open(port: port) { connection async throws in
                try await connection.send(Self.request(progressToken: "1", accept: accept))
                await until { harness.approval.waitingCount == 1 }
            }
            await until { harness.approval.abandonedCount == 1 }
            #expect(harness.cluster.liveRoutes.isEmpty)
        }
    }

    @Test(arguments: [
        (PreviewError.Kind.noSandbox, "Start your server in the run's sandbox first"),
        (.approvalDenied, "Do not ask again"), (.approvalTimedOut, "call start_preview again"),
        (.approvalWithdrawn, "call start_preview again"), (.forbidden, "Check run_id"), (.runNotFound, "Check run_id"),
        (.limitReached, "stop_preview can end"), (.disabled, ""), (.clusterUnavailable, "Wait 3 seconds"),
        (.braked, "Wait 3 seconds"),
    ])
    func aRefusalSaysWhatToDo(kind: PreviewError.Kind, advice: String) async throws {
        let harness = try await MCPHarness()
        let run = try RunID(APIHarness.run)
        let token = try await harness.base.api.previews.start(run: run, port: 4000, requester: "a").session.token
        harness.approval.decide(.refuse(PreviewError(kind, "This is why.", retryAfter: .milliseconds(2500))))
        let answer = try await start(harness)
        #expect(answer.contains(#""isError":true"#))
        #expect(answer.contains("This is why."))
        #expect(answer.contains(advice))
        #expect(answer.contains("session_id \(token.text): port 4000") == (kind == .limitReached))
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test(arguments: [
        ("22", "from 3000 to 9000"), ("0", "from 3000 to 9000"), ("-1", "from 3000 to 9000"),
        ("65536", "from 3000 to 9000"), (#""3000""#, "whole number"), ("3000.5", "whole number"),
        ("1e99", "whole number"), ("null", "whole number"), ("true", "whole number"),
    ])
    func aPortThatCannotBeIsExplained(port: String, explanation: String) async throws {
        let harness = try await MCPHarness()
        harness.approval.decide(.approve)
        let answer = try await start(harness, arguments: #"{"run_id":"\#(APIHarness.run)","port":\#(port)}"#)
        #expect(answer.contains(#""isError":true"#))
        #expect(answer.contains(explanation))
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func aPreviewThatDoesNotWorkYetSaysWhy() async throws {
        let harness = try await MCPHarness()
        harness.cluster.setProbeOutcome(.noApp(status: 503))
        harness.approval.decide(.approve)
        let answer = try await start(harness)
        #expect(answer.contains(#""isError":false"#))
        #expect(answer.contains(#""ready":false"#))
        #expect(answer.contains("does not work yet"))
        #expect(answer.contains("listen on 0.0.0.0"))
    }

    @Test func whatNobodyForesawTellsNothing() async throws {
        struct Unforeseen: Error { let secret = "swordfish" }
        let api = try await APIHarness().api
        let tool = StartPreviewTool(
            start: { _, _, _, _ in throw Unforeseen() },
            previews: api.previews,
            access: api.access,
            address: api.address
        )
        let application = Application(responder: api.router(offering: [tool]).buildResponder())
        try await application.test(.live) { client async throws in
            let port = try #require(client.port)
            let answer = try await RawConnection.open(port: port) { connection async throws in
                try await connection.send(Self.request())
                return try await connection.read(until: "\r\n0\r\n\r\n")
            }
            #expect(answer.contains("-32603"))
            #expect(!answer.contains("swordfish"))
        }
    }

    /// Calls the tool over a real connection, and reads the answer to its end.
    private func start(_ harness: MCPHarness, arguments: String = arguments) async throws -> String {
        let result = Received()
        try await harness.testLive { port async throws in
            let text = try await RawConnection.open(port: port) { connection async throws in
                try await connection.send(Self.request(arguments: arguments))
                return try await connection.read(until: "\r\n0\r\n\r\n")
            }
            await result.keep(text)
        }
        return await result.text
    }

    private actor Received {
        private(set) var text = ""
        func keep(_ text: String) { self.text = text }
    }
}
