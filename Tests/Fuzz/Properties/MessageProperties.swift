import Basics

@testable import PreviewServer

/// A message is read within its limits, and the response to it is JSON that the same reader accepts.
enum MessageProperties {
    static func check(_ bytes: [UInt8]) throws {
        try checkValue(bytes)
        for message in JSONRPCBody(bytes).messages { try checkMessage(message) }
        let text = String(decoding: bytes, as: UTF8.self)
        _ = AcceptedFormats(text)
        if let origins = AllowedOrigins(text) { try check(origins, readFrom: text) }
    }

    private static func checkMessage(_ message: JSONRPCMessage) throws {
        switch message {
        case .request(let request):
            let written = request.id.json
            try require(JSONRPCID(written) == request.id, "an id is repeated as it came")
            try checkAnswer(JSONRPCResponse(id: request.id, outcome: .success(.object(request.params))))
            try checkArguments(request)
        case .notification: break
        case .invalid(let fault, let id):
            try require(fault.message.utf8.count <= 512, "a fault does not grow with the message")
            try checkAnswer(JSONRPCResponse(id: id, outcome: .failure(fault)))
        }
    }

    private static func check(_ origins: AllowedOrigins, readFrom text: String) throws {
        for element in text.split(separator: ",") where !element.contains(where: \.isWhitespace) {
            try require(origins.allows(String(element)), "an origin that is listed is allowed")
        }
        let isNamed = text.split(separator: ",").contains { $0.filter { !$0.isWhitespace }.lowercased() == "null" }
        try require(origins.allows("null") == isNamed, "no page without an origin is allowed unless it is named")
        try require(!origins.allows("*"), "there is no origin for all")
    }

    private static func checkValue(_ bytes: [UInt8]) throws {
        guard let value = JSONValue(parsing: bytes) else { return }
        try require(depth(of: value) <= JSONValue.maxDepth, "nesting has a limit")
        let again = JSONValue(parsing: Array(try value.text().utf8))
        try require(again == value, "a value that is written reads back the same")
    }

    private static func checkAnswer(_ answer: JSONRPCResponse) throws {
        let text = try answer.json.text()
        try require(!text.utf8.contains(UInt8(ascii: "\n")), "an answer is one line, as an event stream needs it")
        // A response contains parts of the message, so it may be nested one level deeper than a message may.
        guard depth(of: answer.json) <= JSONValue.maxDepth else { return }
        try require(JSONValue(parsing: Array(text.utf8)) == answer.json, "an answer reads back the same")
    }

    private static let tool = ToolDefinition(
        name: "start_preview",
        title: "Start a preview",
        description: "",
        arguments: [ArgumentName.run: ["type": "string"], ArgumentName.port: ["type": "integer"]],
        output: [:],
        effect: .ensures
    )

    private static func checkArguments(_ request: JSONRPCRequest) throws {
        guard let members = request.params["arguments"]?.objectValue else { return }
        do throws(ToolArgumentError) {
            let arguments = try ToolArguments(members, of: tool)
            _ = try arguments.string(ArgumentName.run)
            _ = try arguments.integer(ArgumentName.port)
        } catch {
            try require(error.message.utf8.count <= 512, "an error does not grow with the message")
        }
    }

    private static func depth(of value: JSONValue) -> Int {
        switch value {
        case .array(let values): 1 + (values.map(depth).max() ?? 0)
        case .object(let members): 1 + (members.values.map(depth).max() ?? 0)
        case .null, .bool, .integer, .number, .string: 0
        }
    }
}
