import Basics
import HTTPTypes
import Testing

@testable import PreviewServer

@Suite("The protocol's revisions", .timeLimit(.minutes(10)))
struct ProtocolRevisionTests {
    private static let versionKey = "io.modelcontextprotocol/protocolVersion"

    private func revision(_ body: String, _ fields: HTTPFields) throws -> ProtocolRevision {
        guard case .request(let request) = JSONRPCMessage(Array(body.utf8)) else {
            throw JSONRPCError(.parseError, "the test's message is none")
        }
        return try ProtocolRevision(of: request, headers: MCPHeaders(fields))
    }

    private func code(_ body: String, _ fields: HTTPFields) -> JSONRPCError.Code? {
        let fault = #expect(throws: JSONRPCError.self) { try revision(body, fields) }
        return fault?.code
    }

    @Test(arguments: ["2025-11-25", "2025-06-18", "2025-03-26"])
    func earlierRevisionsAreNamedByTheHeaderAlone(version: String) throws {
        let body = Sample.legacy("tools/list")
        #expect(try revision(body, .mcp(version)) == ProtocolRevision(rawValue: version))
    }

    @Test func aStatelessRequestNamesItsRevisionInHeaderAndBody() throws {
        let list = Sample.stateless("tools/list")
        #expect(try revision(list, .stateless("tools/list")) == .july2026)
        let call = Sample.stateless("tools/call", Sample.call("list_previews", "{}"))
        #expect(try revision(call, .stateless("tools/call", name: "list_previews")) == .july2026)
        let encoded = "=?base64?bGlzdF9wcmV2aWV3cw==?="
        #expect(try revision(call, .stateless("tools/call", name: encoded)) == .july2026)
    }

    @Test(arguments: [
        ("2025-11-25", ProtocolRevision.november2025), ("2025-06-18", .june2025), ("2025-03-26", .march2025),
        ("2024-11-05", .november2025), ("2026-07-28", .november2025), ("2099-01-01", .november2025),
    ])
    func initializeAgreesOnAVersionThatHasIt(requested: String, answer: ProtocolRevision) throws {
        let body = Sample.legacy("initialize", #""protocolVersion":"\#(requested)""#)
        for header in [nil, requested, "2026-07-28"] {
            #expect(try revision(body, .mcp(header)) == answer)
        }
    }

    @Test func aRequestWithoutAVersionHasTheRevisionWithoutTheHeader() throws {
        #expect(try revision(Sample.legacy("tools/list"), .mcp(nil)) == .march2025)
        #expect(try revision(Sample.legacy("tools/list", #""_meta":{"progressToken":1}"#), .mcp(nil)) == .march2025)
    }

    @Test func aHeaderThatIsForeignOrDoesNotFitTheBodyIsRefused() {
        #expect(code(Sample.stateless("tools/list"), .mcp(nil, method: "tools/list")) == .headerMismatch)
        for version in ["2024-11-05", "2027-01-01", "", "latest"] {
            #expect(code(Sample.legacy("tools/list"), .mcp(version)) == .unsupportedProtocolVersion)
        }
    }

    @Test func anUnsupportedVersionIsAnsweredWithTheSupportedOnes() {
        let body = Sample.stateless("tools/list").replacing("2026-07-28", with: "2027-01-01")
        let fault = #expect(throws: JSONRPCError.self) { try revision(body, .mcp("2027-01-01", method: "tools/list")) }
        #expect(fault?.code == .unsupportedProtocolVersion)
        #expect(
            fault?.data == [
                "requested": "2027-01-01", "supported": ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"],
            ]
        )
    }

    @Test(arguments: [
        (HTTPFields.mcp("2026-07-28"), "Mcp-Method"), (.mcp("2026-07-28", method: "tools/list"), "Mcp-Method"),
        (.mcp("2026-07-28", method: "Tools/Call", name: "stop_preview"), "Mcp-Method"),
        (.stateless("tools/call"), "Mcp-Name"), (.stateless("tools/call", name: "start_preview"), "Mcp-Name"),
        (.stateless("tools/call", name: "=?base64?c3RvcF9wcmV2aWV3?"), "Mcp-Name"),
        (.stateless("tools/call", name: "=?base64?%%%?="), "Mcp-Name"),
        (.stateless("tools/call", name: "=?base64?c3RvcF9wcmV2aWV3/w==?="), "Mcp-Name"),
        (.stateless("tools/call", name: "=?base64?="), "Mcp-Name"),
        (.mcp("2025-11-25", method: "tools/call", name: "stop_preview"), "MCP-Protocol-Version"),
        (.mcp("2027-01-01", method: "tools/call", name: "stop_preview"), "MCP-Protocol-Version"),
    ])
    func headersThatContradictTheBodyAreRefused(fields: HTTPFields, named: String) {
        let body = Sample.stateless("tools/call", Sample.call("stop_preview", "{}"))
        let fault = #expect(throws: JSONRPCError.self) { try revision(body, fields) }
        #expect(fault?.code == .headerMismatch)
        #expect(fault?.message.contains(named) == true)
    }

    @Test func aHeaderThatComesTwiceIsRefused() {
        let body = Sample.stateless("tools/call", Sample.call("stop_preview", "{}"))
        let good = HTTPFields.stateless("tools/call", name: "stop_preview")
        for name in [HTTPField.Name.mcpProtocolVersion, .mcpMethod, .mcpName] {
            var fields = good
            fields.append(HTTPField(name: name, value: good[name] ?? ""))
            #expect(code(body, fields) == .headerMismatch)
        }
    }

    @Test(arguments: [
        "", #""_meta":{}"#, #""_meta":[]"#, #""_meta":{"\#(versionKey)":"2026-07-28"}"#,
        #""_meta":{"\#(versionKey)":1,"io.modelcontextprotocol/clientCapabilities":{}}"#,
        #""_meta":{"\#(versionKey)":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}"#,
    ])
    func aStatelessRequestWithoutItsMetaHasInvalidParams(params: String) {
        let body = Sample.legacy("tools/list", params)
        #expect(code(body, .stateless("tools/list")) == .invalidParams)
    }
}
