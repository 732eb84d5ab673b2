import Basics
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewServer

@Suite("The MCP tools", .timeLimit(.minutes(10)))
struct ToolTests {
    private static let run = #""run_id":"\#(APIHarness.run)""#

    @Test func definitionsSayWhatACallerNeeds() async throws {
        let api = try await APIHarness().api
        let expected: [String: JSONValue] = [
            "start_preview": [
                "readOnlyHint": false, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
            ],
            "list_previews": [
                "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
            ],
            "check_preview": [
                "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
            ],
            "stop_preview": [
                "readOnlyHint": false, "destructiveHint": true, "idempotentHint": true, "openWorldHint": false,
            ],
        ]
        let names = ["start_preview", "list_previews", "check_preview", "stop_preview"]
        #expect(api.tools.map(\.definition.name) == names)
        for tool in api.tools {
            let json = try #require(tool.definition.json.objectValue)
            #expect(json["annotations"] == expected[tool.definition.name])
            #expect(json["title"]?.stringValue?.isEmpty == false)
            #expect(json["description"]?.stringValue?.contains("run") == true)
            #expect(json["outputSchema"]?.objectValue?["type"] == "object")
            let input = try #require(json["inputSchema"]?.objectValue)
            #expect(input["additionalProperties"] == false)
            #expect(input["required"] == .array(tool.definition.arguments.keys.sorted().map { .string($0) }))
        }
        let port = try #require(api.tools.first).definition.arguments["port"]?.objectValue
        #expect(port?["minimum"] == 3000)
        #expect(port?["maximum"] == 9000)
    }

    /// The note for agents states the same facts as the tools' descriptions.
    @Test func theNoteForAgentsSaysWhatTheToolsSay() async throws {
        let page = try ProjectFiles.text("Docs/AgentPrompt.md")
        let note = try #require(page.split(separator: "```").dropFirst().first)
        let start = try #require(try await APIHarness().api.tools.first).definition
        for fact in [AgentGuide.server, AgentGuide.ports(PortPolicy())] {
            #expect(note.contains(fact) && start.description.contains(fact), "\(fact)")
        }
        for sentence in AgentGuide.timeout.components(separatedBy: ". ") {
            #expect(note.contains(sentence) && start.description.contains(sentence), "\(sentence)")
        }
        let readiness = start.output.objectValue?["properties"]?.objectValue?["readiness"]?.objectValue
        let words = note.matches(of: /\n   ([a-z_]+): ([^\n]+)/)
        #expect(words.map { String($0.1) } == Readiness.State.allCases.map(\.rawValue))
        for word in words {
            #expect(readiness?["description"]?.stringValue?.contains("\(word.1): \(word.2)") == true, "\(word.1)")
        }
        #expect(readiness?["enum"] == .array(Readiness.State.allCases.map { .string($0.rawValue) }))
    }

    /// The gateway continues to serve open connections.
    @Test func stoppingPromisesTheEndOfNewRequestsOnly() async throws {
        let harness = try await MCPHarness()
        let stop = try #require(harness.api.tools.first { $0.definition.name == "stop_preview" }).definition
        for word in ["no new requests", "WebSocket", "stop the server in the sandbox"] {
            #expect(stop.description.contains(word))
        }
        #expect(!stop.description.contains("at once"))
    }

    @Test func aSessionFitsItsSchema() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let (_, result) = try await client.callTool("list_previews", "{\(Self.run)}")
            #expect(result["structuredContent"] == ["previews": []])
        }
        let session = try await harness.previews.start(
            run: RunID(APIHarness.run),
            port: 3000,
            requester: "ada"
        ).session
        let body = try JSONValue(
            encoding: SessionBody(session, run: RunID(APIHarness.run), address: harness.api.address)
        )
        let schema = try #require(SessionSchema.json.objectValue)
        let properties = try #require(schema["properties"]?.objectValue)
        let members = try #require(body.objectValue)
        #expect(Set(members.keys).isSubset(of: properties.keys))
        guard case .array(let required) = schema["required"] else {
            Issue.record("the member required is not a list")
            return
        }
        #expect(required.allSatisfy { members[$0.stringValue ?? ""] != nil })
    }

    @Test func listAndStopDoWhatTheRoutesDo() async throws {
        let harness = try await MCPHarness()
        let previews = harness.previews
        let token = try await previews.start(run: RunID(APIHarness.run), port: 3000, requester: "ada").session.token
        try await harness.test { client async throws in
            let (text, list) = try await client.callTool("list_previews", "{\(Self.run)}")
            #expect(text.contains("session_id \(token.text): port 3000"))
            #expect(text.contains("https://\(token.text)-preview.preview.example.com"))
            #expect(list["isError"] == false)
            guard case .array(let content) = list["content"] else {
                Issue.record("the result has no list of contents")
                return
            }
            #expect(content.last?.objectValue?["text"]?.stringValue == (try list["structuredContent"]?.text()))

            let other = #"{"run_id":"\#(APIHarness.otherRun)","session_id":"\#(token.text)"}"#
            #expect(try await client.callTool("stop_preview", other).json["isError"] == true)
            #expect(harness.cluster.liveRoutes == [token])

            let arguments = #"{\#(Self.run),"session_id":"\#(token.text)"}"#
            let (_, stopped) = try await client.callTool("stop_preview", arguments)
            #expect(stopped["structuredContent"] == ["session_id": .string(token.text), "stopped": true])
            guard case .array(let words) = stopped["content"] else {
                Issue.record("the result has no list of contents")
                return
            }
            let said = words.first?.objectValue?["text"]?.stringValue
            #expect(said?.contains("Open WebSockets and event streams may continue") == true)
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
        ("stop_preview", #"{"run_id":"\#(APIHarness.run)","session_id":"../x"}"#, "no such preview"),
        ("stop_preview", #"{"run_id":"a","session_id":null}"#, "session_id is missing"),
        ("stop_preview", #"{\#(Self.run),"session_id":7}"#, "session_id must be a string"),
        ("check_preview", #"{"run_id":"a"}"#, "takes run_id and session_id, and optionally wait_seconds"),
        ("check_preview", #"{\#(Self.run),"session_id":"x","wait_seconds":61}"#, "wait_seconds must be from 0 to 60"),
        ("check_preview", #"{\#(Self.run),"session_id":"x","wait_seconds":-1}"#, "wait_seconds must be from 0 to 60"),
        ("check_preview", #"{\#(Self.run),"session_id":"x","wait_seconds":"soon"}"#, "must be a whole number"),
        ("check_preview", #"{"run_id":"a","session_id":"x","wait":5}"#, "no argument 'wait'"),
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

    @Test(arguments: [
        (PreviewError.Kind.noSandbox, "Start your server in the run's sandbox first"),
        (.approvalDenied, "Do not ask again"), (.approvalTimedOut, "call start_preview again"),
        (.approvalTimedOut, "approval card, or with POST /api/runs/{run_id}/tool-approvals"),
        (.approvalWithdrawn, "call start_preview again"), (.approvalUsed, "call start_preview again"),
        (.forbidden, "Check run_id"), (.runNotFound, "Check run_id"), (.previewNotFound, "list_previews"),
        (.limitReached, "Wait 3 seconds"), (.clusterUnavailable, "Wait 3 seconds"), (.braked, "Wait 3 seconds"),
    ])
    func aRefusalSaysWhatToDo(kind: PreviewError.Kind, advice: String) throws {
        let error = PreviewError(kind, "This is why.", retryAfter: .milliseconds(2500))
        let result = try #require(ToolResult(failure: error))
        #expect(result.structured == nil)
        #expect(result.text.hasPrefix("This is why. "))
        #expect(result.text.contains(advice))
    }

    @Test func aDeniedAccessNamesTheArgument() throws {
        let result = try #require(ToolResult(failure: AccessDenied(.forbidden, "You do not own this run.")))
        #expect(result.text.contains("Check run_id"))
    }

    @Test func aCallWithoutAWaitingPlaceGetsAReason() async throws {
        let api = try await APIHarness().api
        let run = try RunID(APIHarness.run)
        let slots = try (0..<api.limits.maxWaitingPerRun).map { _ in try api.waitingCalls.slot(for: run) }
        let tool = try #require(api.tools.first)
        let call = MCPCall(
            id: .integer(1),
            call: ToolCall(tool: tool, arguments: ["run_id": .string(run.text), "port": 3000], progressToken: nil),
            revision: .november2025,
            caller: Caller(identity: "ada", role: .user),
            server: MCPServer(tools: [tool], access: api.access)
        )
        let text = try await call.run(.silent).json.text()
        #expect(text.contains(#""isError":true"#))
        #expect(text.contains("16 calls already wait for this run"))
        withExtendedLifetime(slots) {}
    }

    @Test func anUnexpectedErrorDisclosesNothing() async throws {
        struct Unforeseen: Error { let secret = "swordfish" }
        struct FailingTool: Tool {
            let action = RunAction.list
            let definition = ToolDefinition(
                name: "fail",
                title: "Fail",
                description: "",
                arguments: [ArgumentName.run: ArgumentSchema.run],
                output: [:],
                effect: .reads
            )
            func call(
                _ arguments: ToolArguments,
                on run: RunID,
                by caller: Caller,
                report: @escaping @Sendable (String) -> Void
            ) async throws -> ToolResult { throw Unforeseen() }
        }
        #expect(ToolResult(failure: Unforeseen()) == nil)
        let tool = FailingTool()
        let call = MCPCall(
            id: .integer(1),
            call: ToolCall(tool: tool, arguments: ["run_id": .string(APIHarness.run)], progressToken: nil),
            revision: .november2025,
            caller: Caller(identity: "ada", role: .user),
            server: MCPServer(tools: [tool], access: try await APIHarness().api.access)
        )
        let text = try await call.run(.silent).json.text()
        #expect(text.contains("-32603"))
        #expect(!text.contains("swordfish"))
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
