import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewServer

@Suite("The MCP tools")
struct ToolTests {
    private static let run = #""run_id":"\#(APIHarness.run)""#

    @Test func definitionsSayWhatACallerNeeds() async throws {
        let api = try await APIHarness().api
        let start = StartPreviewTool(
            start: { _, _, _, _ in throw PreviewError.previewNotFound },
            previews: api.previews,
            access: api.access,
            address: api.address
        )
        let expected: [String: JSONValue] = [
            "start_preview": [
                "readOnlyHint": false, "destructiveHint": false, "idempotentHint": false, "openWorldHint": false,
            ],
            "list_previews": [
                "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
            ],
            "stop_preview": [
                "readOnlyHint": false, "destructiveHint": true, "idempotentHint": true, "openWorldHint": false,
            ],
        ]
        for tool in [start] + api.tools {
            let json = try #require(tool.definition.json.object)
            #expect(json["annotations"] == expected[tool.definition.name])
            #expect(json["title"]?.string?.isEmpty == false)
            #expect(json["description"]?.string?.contains("run") == true)
            #expect(json["outputSchema"]?.object?["type"] == "object")
            let input = try #require(json["inputSchema"]?.object)
            #expect(input["additionalProperties"] == false)
            #expect(input["required"] == .array(tool.definition.arguments.keys.sorted().map { .string($0) }))
        }
        let port = start.definition.arguments["port"]?.object
        #expect(port?["minimum"] == 3000)
        #expect(port?["maximum"] == 9000)
    }

    @Test func aSessionFitsItsSchema() async throws {
        let harness = try await MCPHarness()
        harness.approval.decide(.approve)
        try await harness.test { client async throws in
            let (_, result) = try await client.callTool("list_previews", "{\(Self.run)}")
            #expect(result["structuredContent"] == ["previews": []])
        }
        let session = try await harness.base.api.previews.start(
            run: RunID(APIHarness.run),
            port: 3000,
            requester: "ada"
        ).session
        let body = try JSONValue(
            encoding: SessionBody(session, run: RunID(APIHarness.run), address: harness.base.api.address)
        )
        let schema = try #require(SessionSchema.json.object)
        let properties = try #require(schema["properties"]?.object)
        let members = try #require(body.object)
        #expect(Set(members.keys).isSubset(of: properties.keys))
        guard case .array(let required) = schema["required"] else { return #expect(Bool(false), "no list") }
        #expect(required.allSatisfy { members[$0.string ?? ""] != nil })
    }

    @Test func listAndStopDoWhatTheRoutesDo() async throws {
        let harness = try await MCPHarness()
        let previews = harness.base.api.previews
        let token = try await previews.start(run: RunID(APIHarness.run), port: 3000, requester: "ada").session.token
        try await harness.test { client async throws in
            let (text, list) = try await client.callTool("list_previews", "{\(Self.run)}")
            #expect(text.contains("session_id \(token.text): port 3000"))
            #expect(text.contains("https://\(token.text)-preview.preview.example.com"))
            #expect(list["isError"] == false)
            guard case .array(let content) = list["content"] else { return #expect(Bool(false), "no content") }
            #expect(content.last?.object?["text"]?.string == (try list["structuredContent"]?.text()))

            let other = #"{"run_id":"\#(APIHarness.otherRun)","session_id":"\#(token.text)"}"#
            #expect(try await client.callTool("stop_preview", other).json["isError"] == true)
            #expect(harness.cluster.liveRoutes == [token])

            let arguments = #"{\#(Self.run),"session_id":"\#(token.text)"}"#
            let (_, stopped) = try await client.callTool("stop_preview", arguments)
            #expect(stopped["structuredContent"] == ["session_id": .string(token.text), "stopped": true])
            #expect(harness.cluster.liveRoutes.isEmpty)
            let again = try await client.callTool("stop_preview", arguments)
            #expect(again.json["isError"] == true)
            #expect(again.text.contains("list_previews"))
        }
    }

    @Test(arguments: [
        ("list_previews", "{}", "run_id is missing"), ("list_previews", #"{"run_id":7}"#, "run_id must be a string"),
        ("list_previews", #"{"run_id":""}"#, "expected 1 to 128 characters"),
        ("list_previews", #"{"run_id":"-a"}"#, "letter or digit"),
        ("list_previews", #"{"run_id":"a","all":true}"#, "no argument 'all'"),
        ("stop_preview", #"{"run_id":"a"}"#, "session_id is missing"),
        ("stop_preview", #"{"run_id":"a","session_id":"../x"}"#, "no such preview"),
        ("stop_preview", #"{"run_id":"a","session_id":null}"#, "session_id must be a string"),
    ])
    func wrongArgumentsAreExplainedToTheModel(tool: String, arguments: String, explanation: String) async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let (text, result) = try await client.callTool(tool, arguments)
            #expect(result["isError"] == true)
            #expect(result["structuredContent"] == nil)
            #expect(text.contains(explanation), "\(text)")
        }
    }

    @Test func aClusterThatFailsSaysWhenToTryAgain() async throws {
        let harness = try await MCPHarness()
        harness.cluster.fail(
            .routesOfRun,
            .before(ClusterError(.unavailable, "the API server answered 429", retryAfter: .seconds(7)))
        )
        try await harness.test { client async throws in
            let (text, result) = try await client.callTool("list_previews", "{\(Self.run)}")
            #expect(result["isError"] == true)
            #expect(text.contains("Wait 7 seconds"))
        }
    }
}
