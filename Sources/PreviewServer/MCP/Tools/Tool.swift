internal import Basics
internal import PreviewIdentity

/// Something that a language model can have done.
protocol Tool: Sendable {
    var definition: ToolDefinition { get }

    /// How long a call may have to wait for a human; nil where no human is asked.
    var longestWait: Duration? { get }

    /// Does it, under the caller's own rights.
    ///
    /// - Parameter report: Takes a sentence for the user on what the call is waiting for.
    /// - Throws: Why it was not done. ``ToolResult/init(failure:)`` puts it into words for a model.
    func call(
        _ arguments: ToolArguments,
        by caller: Caller,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> ToolResult
}

/// What a client reads about a tool before it calls it (MCP, "Tools").
struct ToolDefinition: Sendable {
    let name: String
    let title: String
    /// Written for the model that decides about calling it.
    let description: String
    /// The arguments, as JSON Schema 2020-12 for each. All are required.
    let arguments: [String: JSONValue]
    /// A JSON Schema 2020-12 of the result's structured content.
    let output: JSONValue
    let effect: Effect

    /// What a call may change; clients ask their users before some of these.
    enum Effect: Sendable {
        case reads
        /// Adds something that is not there yet. The same call again finds it.
        case ensures
        /// Takes something away. Taking it away again changes nothing.
        case removes
    }

    private var inputSchema: JSONValue {
        [
            "type": "object", "properties": .object(arguments),
            "required": .array(arguments.keys.sorted().map { .string($0) }),
            "additionalProperties": false,
        ]
    }

    private var annotations: JSONValue {
        [
            "readOnlyHint": .bool(effect == .reads), "destructiveHint": .bool(effect == .removes),
            "idempotentHint": true, "openWorldHint": false,
        ]
    }

    var json: JSONValue {
        [
            "name": .string(name), "title": .string(title), "description": .string(description),
            "inputSchema": inputSchema, "outputSchema": output, "annotations": annotations,
        ]
    }
}
