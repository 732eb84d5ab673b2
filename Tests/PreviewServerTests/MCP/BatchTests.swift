import Basics
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

/// Batches exist only in revision 2025-03-26.
@Suite("Batches over MCP", .timeLimit(.minutes(1)))
struct BatchTests {
    private static let run = #""run_id":"\#(APIHarness.run)""#
    private static let notification = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#

    private func batch(_ messages: String...) -> String { "[\(messages.joined(separator: ","))]" }

    @Test(arguments: ["2025-03-26", nil])
    func everyRequestIsAnsweredInOrderAndNoNotificationIs(version: String?) async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let body = batch(
                Sample.legacy("ping", id: "1"),
                Self.notification,
                Sample.legacy("resources/list", id: "2"),
                "7",
                Sample.legacy("tools/call", Sample.call("list_previews", "{\(Self.run)}"), id: #""c""#),
                Sample.legacy("initialize", #""protocolVersion":"2025-03-26""#, id: "3")
            )
            let answer = try await client.send(body, .mcp(version))
            #expect(answer.status == 200)
            guard case .array(let answers) = JSONValue(parsing: Array(answer.text.utf8)) else {
                Issue.record("no batch: \(answer.text)")
                return
            }
            #expect(answers.map { $0.objectValue?["id"] } == [1, 2, .null, "c", 3])
            #expect(answers[0].objectValue?["result"] == [:])
            #expect(answers[1].objectValue?["error"]?.objectValue?["code"] == -32601)
            #expect(answers[2].objectValue?["error"]?.objectValue?["code"] == -32600)
            #expect(answers[3].objectValue?["result"]?.objectValue?["isError"] == false)
            #expect(answers[4].objectValue?["error"]?.objectValue?["code"] == -32600)
        }
    }

    @Test func aBatchOfNotificationsIsAccepted() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let answer = try await client.send(batch(Self.notification, Self.notification), .mcp(nil))
            #expect(answer.status == 202)
            #expect(answer.text.isEmpty)
        }
    }

    @Test(arguments: [("2025-06-18", "-32600"), ("2025-11-25", "-32600"), ("2026-07-28", "-32600"), ("x", "-32022")])
    func otherRevisionsRefuseBatches(version: String, code: String) async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let answer = try await client.send(batch(Sample.legacy("ping")), .mcp(version))
            #expect(answer.status == 400)
            #expect(answer.text.contains(code))
        }
    }

    @Test func aBatchHasALimit() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let message = Sample.legacy("ping")
            func body(_ count: Int) -> String { "[\(Array(repeating: message, count: count).joined(separator: ","))]" }
            #expect(try await client.send(body(JSONRPCBody.maxBatch), .mcp(nil)).status == 200)
            #expect(try await client.send(body(JSONRPCBody.maxBatch + 1), .mcp(nil)).status == 400)
            #expect(try await client.send("[]", .mcp(nil)).status == 400)
        }
    }

    @Test func aCallThatWaitsIsAnsweredWithTheOthers() async throws {
        let harness = try await MCPHarness()
        try await harness.testLive { port async throws in
            let start = Sample.call("start_preview", #"{\#(Self.run),"port":"3000"}"#)
            let body = batch(Sample.legacy("ping", id: "1"), Sample.legacy("tools/call", start, id: "2"))
            try await RawClient.open(port: port) { connection async throws in
                try await connection.send(
                    "POST /mcp HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(APIHarness.owner)\r\n"
                        + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                try await harness.approve()
                let head = try await connection.read(until: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
                let answer = try await connection.read(until: "}}}]")
                #expect(answer.hasPrefix(#"[{"id":1,"jsonrpc":"2.0","result":{}},{"id":2,"#))
                #expect(answer.contains(#""isError":false"#))
                #expect(harness.cluster.liveRoutes.count == 1)
            }
        }
    }
}
