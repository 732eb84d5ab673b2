import Basics
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import PreviewControl
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewServer

/// The MCP endpoint over a simulated cluster.
struct MCPHarness: Sendable {
    let base: APIHarness

    init(facts: (any RunFactsSource)? = nil) async throws {
        base = try await APIHarness(facts: facts)
    }

    var cluster: SimulatedCluster { base.cluster }
    var clock: ManualClock { base.clock }
    var api: PreviewAPI { base.api }
    var previews: Previews { base.core.previews }

    /// The approvals of the run, the oldest first.
    func approvals() throws -> [Approval] { cluster.approvals(of: try RunID(APIHarness.run)) }

    /// Waits for a pending request, then approves it as a human does.
    func approve() async throws {
        let approval = try await pending()
        try await base.gate.approve(run: approval.run, requestID: approval.id.text, scope: .once, by: "ada")
    }

    func deny() async throws {
        let approval = try await pending()
        try await base.gate.deny(run: approval.run, requestID: approval.id.text, by: "ada", reason: "Not today.")
    }

    /// Yields to other tasks until a request waits.
    func pending() async throws -> Approval {
        while true {
            if let approval = try approvals().first(where: { $0.state == .pending }) { return approval }
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    /// Sends requests through the router, without a server.
    func test(_ work: @Sendable @escaping (any TestClientProtocol) async throws -> Void) async throws {
        try await base.test(work)
    }

    /// Runs a server on loopback, with the services that inform waiting calls of decisions.
    func testLive(_ work: @Sendable @escaping (_ port: Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await base.core.mirrorRunner.run() }
            group.addTask { try await base.core.approvalExpiry.run() }
            try await testWithoutNotifications(work)
            group.cancelAll()
        }
    }

    /// Runs a server on loopback on which only its deadline wakes a waiting call.
    func testWithoutNotifications(_ work: @Sendable @escaping (_ port: Int) async throws -> Void) async throws {
        try await api.application(
            address: .hostname("127.0.0.1", port: 0),
            logger: .silent
        )
        .test(.live) { client in
            try await work(try #require(client.port))
        }
    }
}

/// Messages of clients of the different revisions.
enum Sample {
    static let meta = """
        "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}
        """

    static func stateless(_ method: String, _ params: String = "", id: String = "1") -> String {
        let members = params.isEmpty ? meta : "\(params),\(meta)"
        return #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":{\#(members)}}"#
    }

    static func legacy(_ method: String, _ params: String = "", id: String = "1") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":{\#(params)}}"#
    }

    static func call(_ tool: String, _ arguments: String) -> String { #""name":"\#(tool)","arguments":\#(arguments)"# }
}

extension HTTPFields {
    /// The header fields of a client; `nil` omits one.
    static func mcp(
        _ version: String? = "2025-11-25",
        method: String? = nil,
        name: String? = nil,
        accept: String? = "application/json, text/event-stream"
    ) -> HTTPFields {
        var fields = HTTPFields.json(bearer: APIHarness.owner)
        fields[.accept] = accept
        fields[.mcpProtocolVersion] = version
        fields[.mcpMethod] = method
        fields[.mcpName] = name
        return fields
    }

    static func stateless(_ method: String, name: String? = nil) -> HTTPFields {
        .mcp("2026-07-28", method: method, name: name)
    }
}

extension TestClientProtocol {
    /// Sends one message, and returns the response as it is.
    func send(
        _ body: String,
        _ headers: HTTPFields = .mcp(),
        method: HTTPRequest.Method = .post
    ) async throws -> (status: Int, text: String, headers: HTTPFields) {
        try await execute(uri: "/mcp", method: method, headers: headers, body: ByteBuffer(string: body)) {
            ($0.status.code, String(buffer: $0.body), $0.headers)
        }
    }

    /// Calls a tool as a client of revision 2025-11-25 does.
    func callTool(_ tool: String, _ arguments: String) async throws -> (text: String, json: [String: JSONValue]) {
        let answer = try await send(
            Sample.legacy("tools/call", Sample.call(tool, arguments)),
            .mcp(accept: "application/json")
        )
        let message = try #require(JSONValue(parsing: Array(answer.text.utf8))?.objectValue)
        let result = try #require(message["result"]?.objectValue)
        guard case .array(let content) = result["content"] else { return ("", result) }
        return (content.first?.objectValue?["text"]?.stringValue ?? "", result)
    }
}
