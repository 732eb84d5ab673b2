internal import Basics

/// What a call led to, in words for a model and in data for a program.
struct ToolResult: Sendable {
    let text: String
    /// Conforms to the tool's output schema; nil for a failure.
    let structured: JSONValue?

    init(_ text: String, _ body: some Encodable) throws {
        self.text = text
        structured = try JSONValue(encoding: body)
    }

    private init(failure: String) {
        text = failure
        structured = nil
    }

    /// A failure that the model can read and act on.
    static func failure(_ text: String) -> ToolResult { ToolResult(failure: text) }

    /// The members of a `CallToolResult`. Clients that do not know structured content get it as text too (MCP,
    /// "Structured Content").
    func members() throws -> [String: JSONValue] {
        var content: [JSONValue] = [["type": "text", "text": .string(text)]]
        if let structured { content.append(["type": "text", "text": .string(try structured.text())]) }
        var members: [String: JSONValue] = ["content": .array(content), "isError": .bool(structured == nil)]
        members["structuredContent"] = structured
        return members
    }
}
