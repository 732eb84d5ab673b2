import Basics
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import PreviewServer

@Suite("The MCP endpoint", .timeLimit(.minutes(10)))
struct MCPEndpointTests {
    private static let info = #"{"name":"preview-gateway","title":"Agentweaver previews","version":"1.0.0"}"#
    private static let meta = #""_meta":{"io.modelcontextprotocol/serverInfo":\#(info)}"#

    @Test(arguments: [
        ("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"), ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25"),
    ])
    func initializeNamesTheServerAndAVersion(requested: String, answered: String) async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let params = """
                "protocolVersion":"\(requested)","capabilities":{},"clientInfo":{"name":"c","version":"1"}
                """
            let answer = try await client.send(Sample.legacy("initialize", params, id: #""i-1""#), .mcp(nil))
            #expect(answer.status == 200)
            #expect(
                answer.text.hasPrefix(
                    #"{"id":"i-1","jsonrpc":"2.0","result":{"capabilities":{"tools":{"listChanged":false}},"#
                )
            )
            #expect(answer.text.hasSuffix(#""protocolVersion":"\#(answered)","serverInfo":\#(Self.info)}}"#))
            #expect(answer.headers[HTTPField.Name("Mcp-Session-Id")!] == nil)
            #expect(answer.headers[.contentType]?.hasPrefix("application/json") == true)
        }
    }

    @Test func initializeWithoutAVersionHasInvalidParams() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let answer = try await client.send(Sample.legacy("initialize"), .mcp(nil))
            #expect(answer.status == 200)
            #expect(answer.text.contains("-32602"))
        }
    }

    @Test func discoveryNamesEveryRevision() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let answer = try await client.send(Sample.stateless("server/discover"), .stateless("server/discover"))
            #expect(answer.status == 200)
            #expect(
                answer.text.hasPrefix(
                    """
                    {"id":1,"jsonrpc":"2.0","result":{\(Self.meta),"cacheScope":"public",\
                    "capabilities":{"tools":{"listChanged":false}},"instructions":"
                    """
                )
            )
            #expect(
                answer.text.hasSuffix(
                    """
                    "resultType":"complete","supportedVersions":\
                    ["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],"ttlMs":300000}}
                    """
                )
            )
        }
    }

    @Test func eachRevisionHasItsOwnMethods() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            for version in ["2025-11-25", "2025-06-18", "2025-03-26", nil] {
                let ping = try await client.send(Sample.legacy("ping", id: "7"), .mcp(version))
                #expect(ping.text == #"{"id":7,"jsonrpc":"2.0","result":{}}"#)
                for method in ["server/discover", "resources/list", "prompts/list", "logging/setLevel", ""] {
                    let answer = try await client.send(Sample.legacy(method), .mcp(version))
                    #expect(answer.status == 200, "a 404 would end the session of a client of \(version ?? "none")")
                    #expect(answer.text.contains("-32601"))
                }
            }
            for method in ["ping", "initialize", "logging/setLevel", "subscriptions/listen"] {
                let answer = try await client.send(Sample.stateless(method), .stateless(method))
                #expect(answer.status == 404)
                #expect(answer.text.contains("-32601"))
            }
        }
    }

    @Test func theListOfToolsIsTheSameInEveryRevision() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let legacy = try await client.send(Sample.legacy("tools/list"), .mcp("2025-06-18"))
            let stateless = try await client.send(Sample.stateless("tools/list"), .stateless("tools/list"))
            #expect(legacy.text.hasPrefix(#"{"id":1,"jsonrpc":"2.0","result":{"tools":[{"#))
            #expect(
                stateless.text.hasPrefix(
                    #"{"id":1,"jsonrpc":"2.0","result":{\#(Self.meta),"cacheScope":"public","resultType":"complete","#
                )
            )
            func tools(_ text: String) -> JSONValue? {
                JSONValue(parsing: Array(text.utf8))?.objectValue?["result"]?.objectValue?["tools"]
            }
            #expect(tools(legacy.text) != nil)
            #expect(tools(legacy.text) == tools(stateless.text))
            let paged = try await client.send(Sample.legacy("tools/list", #""cursor":"x""#))
            #expect(paged.text.contains("-32602"))
            for absent in [#""cursor":null"#, #""_meta":null"#, #""_meta":{"progressToken":null}"#] {
                #expect(try await client.send(Sample.legacy("tools/list", absent)).text == legacy.text)
            }
            let message = #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":null}"#
            #expect(try await client.send(message).text == legacy.text)
        }
    }

    @Test(arguments: [
        (#""name":7"#, "params.name"), ("", "params.name"), (#""name":"rm_rf","arguments":{}"#, "list_previews"),
        (#""name":"list_previews","arguments":[]"#, "params.arguments"),
        (#""name":"list_previews","_meta":{"progressToken":1.5}"#, "progressToken"),
    ])
    func aCallThatIsNoneIsAFaultOfTheProtocol(params: String, named: String) async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let answer = try await client.send(Sample.legacy("tools/call", params))
            #expect(answer.status == 200)
            #expect(answer.text.hasPrefix(#"{"error":{"code":-32602,"#))
            #expect(answer.text.contains(named))
        }
    }

    @Test func aStatelessFaultHasTheStatusOfItsCode() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let call = Sample.stateless("tools/call", #""name":"rm_rf""#)
            #expect(try await client.send(call, .stateless("tools/call", name: "rm_rf")).status == 400)
            #expect(try await client.send(call, .stateless("tools/call", name: "x")).status == 400)
            #expect(try await client.send(call, .mcp("2099-01-01")).status == 400)
        }
    }

    @Test(
        arguments: [
            (#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "2025-11-25"),
            (#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#, "2025-06-18"),
            (#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#, "2026-07-28"),
            (#"{"jsonrpc":"2.0","method":"notifications/unheard-of"}"#, nil),
        ] as [(String, String?)]
    )
    func aNotificationIsAcceptedWithoutAnAnswer(body: String, version: String?) async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let answer = try await client.send(body, .mcp(version))
            #expect(answer.status == 202)
            #expect(answer.text.isEmpty)
            #expect(try await client.send(body, .mcp("1999-01-01")).status == 400)
        }
    }

    @Test(arguments: [
        ("", "-32700", "null"), ("{", "-32700", "null"), (#"{"jsonrpc":"2.0","id":"a"}"#, "-32600", #""a""#),
        (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, "-32600", "null"),
        (#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "-32600", "1"),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, "-32602", "1"),
    ])
    func anInvalidMessageIsA400WithAnErrorObject(body: String, code: String, id: String) async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let answer = try await client.send(body)
            #expect(answer.status == 400)
            #expect(answer.text.hasPrefix(#"{"error":{"code":\#(code),"message":""#))
            #expect(answer.text.hasSuffix(#"},"id":\#(id),"jsonrpc":"2.0"}"#))
        }
    }

    @Test func aBodyOverTheLimitIsA413() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let fits = Sample.legacy("ping") + String(repeating: " ", count: 1000)
            #expect(try await client.send(fits).status == 200)
            let padding = String(repeating: " ", count: PreviewRequestContext.maxBodyBytes)
            #expect(try await client.send(Sample.legacy("ping") + padding).status == 413)
        }
    }

    @Test(arguments: [HTTPRequest.Method.get, .delete, .put, .patch])
    func onlyPOSTIsTaken(method: HTTPRequest.Method) async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let answer = try await client.send("", method: method)
            #expect(answer.status == 405)
            #expect(answer.headers[.allow] == "OPTIONS, POST")
        }
    }

    @Test func onlyKnownCallersAndKnownPagesGetIn() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            var anonymous = HTTPFields.mcp()
            anonymous[.authorization] = nil
            let unauthorized = try await client.send(Sample.legacy("ping"), anonymous)
            #expect(unauthorized.status == 401)
            #expect(unauthorized.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
            for (origin, status) in [
                ("https://console.example.com", 200), ("https://evil.example", 403), ("null", 403), ("", 403),
            ] {
                var headers = HTTPFields.mcp()
                headers[.origin] = origin
                #expect(try await client.send(Sample.legacy("ping"), headers).status == status)
            }
            var strange = anonymous
            strange[.origin] = "https://evil.example"
            #expect(try await client.send(Sample.legacy("ping"), strange).status == 403)
        }
    }

    @Test func formatsAreNegotiated() async throws {
        let harness = try await MCPHarness()
        try await harness.test { client async throws in
            let ping = Sample.legacy("ping")
            #expect(try await client.send(ping, .mcp(accept: "text/html")).status == 406)
            let events = try await client.send(ping, .mcp(accept: "text/event-stream"))
            #expect(events.text == "event: message\ndata: {\"id\":1,\"jsonrpc\":\"2.0\",\"result\":{}}\n\n")
            #expect(events.headers[.contentType] == "text/event-stream")
            var form = HTTPFields.mcp()
            form[.contentType] = "text/plain"
            #expect(try await client.send(ping, form).status == 415)
        }
    }
}
