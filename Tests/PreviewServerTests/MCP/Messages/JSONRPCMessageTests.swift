import Basics
import TestSupport
import Testing

@testable import PreviewServer

@Suite("JSON-RPC messages", .timeLimit(.minutes(10)))
struct JSONRPCMessageTests {
    @Test(arguments: [
        (#""a""#, JSONRPCID.string("a")), (#""""#, .string("")), (#""é\u0000\n""#, .string("é\u{0}\n")),
        (#""1""#, .string("1")), ("1", .integer(1)), ("0", .integer(0)), ("-7", .integer(-7)),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ])
    func idsAreKeptAsTheyCame(text: String, id: JSONRPCID) throws {
        let bytes = Array(#"{"jsonrpc":"2.0","id":\#(text),"method":"ping"}"#.utf8)
        #expect(JSONRPCMessage(bytes) == .request(JSONRPCRequest(id: id, method: "ping", params: [:])))
        let answer = JSONRPCResponse(id: id, outcome: .success([:])).json
        #expect(JSONValue(parsing: Array(try answer.text().utf8))?.objectValue?["id"] == id.json)
    }

    @Test func aMessageWithoutAnIDIsANotification() {
        let bytes = Array(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#.utf8)
        #expect(JSONRPCMessage(bytes) == .notification(method: "notifications/cancelled"))
    }

    @Test(arguments: [
        "", " ", "{", "nul", "'a'", "{]", "[1", #"{"jsonrpc":"2.0""#, #"{"a":1}x"#, #"{"a":"\ud800"}"#, "\u{0}",
        #"{"a":01}"#, #"{"a":1e999}"#, "NaN", "{\"a\":\"\n\"}", "{\u{0}}", "// comment\n{}",
    ])
    func textThatIsNotJSONIsAParseError(text: String) {
        expect(.parseError, for: Array(text.utf8))
    }

    @Test func bytesThatAreNotUTF8AreAParseError() {
        expect(.parseError, for: [0x22, 0xff, 0x22])
        expect(.parseError, for: [0xfe, 0xff, 0x00, 0x31])
        let wide = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        expect(.parseError, for: wide)
        expect(.parseError, for: [0xff, 0xfe] + wide)
    }

    @Test func nestingHasALimit() {
        func nested(_ depth: Int, _ open: String = "[", _ close: String = "]") -> [UInt8] {
            let value = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
            return Array(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":\#(value)}}"#.utf8)
        }
        let allowed = JSONValue.maxDepth - 2
        guard case .request = JSONRPCMessage(nested(allowed)) else {
            Issue.record("the message is not read as a request")
            return
        }
        guard case .request = JSONRPCMessage(nested(allowed, #"{"b":"#, "}")) else {
            Issue.record("the message is not read as a request")
            return
        }
        expect(.parseError, for: nested(allowed + 1))
        expect(.parseError, for: nested(allowed + 1, #"{"b":"#, "}"))
        expect(.parseError, for: nested(1_000_000))
        expect(.parseError, for: Array(repeating: UInt8(ascii: "["), count: 16_384))
        // Brackets in strings are not nesting, whatever is escaped before them.
        let text = String(repeating: #"[{\"\\"#, count: 100)
        let bytes = Array(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\#(text)"}}"#.utf8)
        guard case .request = JSONRPCMessage(bytes) else {
            Issue.record("the message is not read as a request")
            return
        }
    }

    @Test(
        arguments: [
            ("[]", nil), (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, nil), ("1", nil), (#""a""#, nil),
            ("null", nil),
            ("true", nil), ("{}", nil), (#"{"id":1,"method":"ping"}"#, .integer(1)),
            (#"{"jsonrpc":"1.0","id":"x","method":"ping"}"#, .string("x")),
            (#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, .integer(1)), (#"{"jsonrpc":"2.0","id":1}"#, .integer(1)),
            (#"{"jsonrpc":"2.0","id":1,"method":7}"#, .integer(1)),
            (#"{"jsonrpc":"2.0","id":1,"method":null}"#, .integer(1)),
            (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, nil),
            (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, nil),
            (#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, nil),
            (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, nil),
            (#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, nil),
            (#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"ping"}"#, nil),
            (#"{"jsonrpc":"2.0","id":1,"result":{}}"#, .integer(1)),
            (#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}"#, .integer(1)),
        ] as [(String, JSONRPCID?)]
    )
    func otherJSONIsAnInvalidRequest(text: String, id: JSONRPCID?) {
        expect(.invalidRequest, id: id, for: Array(text.utf8))
    }

    @Test func aNullMemberIsAbsent() {
        for (params, expected) in [
            ("null", [:]), (#"{"cursor":null,"_meta":null}"#, [:]), (#"{"a":null,"b":1}"#, ["b": 1]),
        ] as [(String, [String: JSONValue])] {
            let text = #"{"jsonrpc":"2.0","id":1,"method":"ping","params":\#(params)}"#
            let request = JSONRPCRequest(id: .integer(1), method: "ping", params: expected)
            #expect(JSONRPCMessage(Array(text.utf8)) == .request(request))
        }
        let notification = #"{"jsonrpc":"2.0","method":"notifications/initialized","params":null}"#
        #expect(JSONRPCMessage(Array(notification.utf8)) == .notification(method: "notifications/initialized"))
    }

    @Test func aBatchIsReadMessageByMessage() {
        let one = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
        let request = JSONRPCMessage.request(JSONRPCRequest(id: .integer(1), method: "ping", params: [:]))
        #expect(JSONRPCBody(Array(one.utf8)) == .single(request))
        let body = JSONRPCBody(Array("[\(one),1,[\(one)]]".utf8))
        #expect(body.messages.count == 3)
        #expect(body.messages.first == request)
        for message in body.messages.dropFirst() {
            guard case .invalid = message else {
                Issue.record("the element is read as a message")
                return
            }
        }
        guard case .single(.invalid) = JSONRPCBody(Array("[]".utf8)) else {
            Issue.record("an empty batch is read as a message")
            return
        }
    }

    @Test(arguments: ["[]", "1", #""a""#])
    func paramsAreAnObject(params: String) {
        let text = #"{"jsonrpc":"2.0","id":1,"method":"ping","params":\#(params)}"#
        expect(.invalidParams, id: .integer(1), for: Array(text.utf8))
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func anyBytesAreReadToAnEnd(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        let sample = Array(Sample.stateless("tools/call", Sample.call("start_preview", #"{"port":3000}"#)).utf8)
        for _ in 0..<100 {
            let noise = random.bytes(8)
            var bytes = sample
            for index in stride(from: 0, to: noise.count, by: 2) {
                let position = (Int(noise[index]) << 8 | Int(noise[index + 1])) % bytes.count
                if noise[index].isMultiple(of: 2) {
                    bytes[position] = noise[index + 1]
                } else {
                    bytes.remove(at: position)
                }
            }
            // Every outcome has a response that can be sent.
            if case .invalid(let fault, let id) = JSONRPCMessage(bytes) {
                let text = try JSONRPCResponse(id: id, outcome: .failure(fault)).json.text()
                #expect(JSONValue(parsing: Array(text.utf8)) != nil)
            }
        }
    }

    private func expect(
        _ code: JSONRPCError.Code,
        id: JSONRPCID? = nil,
        for bytes: [UInt8],
        _ location: SourceLocation = #_sourceLocation
    ) {
        guard case .invalid(let fault, let readID) = JSONRPCMessage(bytes) else {
            Issue.record("taken for a message: \(String(decoding: bytes, as: UTF8.self))", sourceLocation: location)
            return
        }
        #expect(fault.code == code, sourceLocation: location)
        #expect(readID == id, sourceLocation: location)
    }
}
