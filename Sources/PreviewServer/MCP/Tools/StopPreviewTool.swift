internal import Basics
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// `stop_preview`: ends one preview.
struct StopPreviewTool: Tool {
    let previews: Previews
    let access: RunAccess

    var longestWait: Duration? { nil }
    let definition = ToolDefinition(
        name: "stop_preview",
        title: "Stop a preview",
        description: """
            Ends a preview of an Agentweaver run: within moments its URL takes no new requests, for good. The server in \
            the sandbox goes on running. What is open already, such as a WebSocket or an event stream, is not cut: it \
            may go on for as long as the preview might have lived. To end that too, stop the server in the sandbox.
            """,
        arguments: [ArgumentName.run: ArgumentSchema.run, ArgumentName.session: ArgumentSchema.session],
        output: [
            "type": "object",
            "properties": ["session_id": ["type": "string"], "stopped": ["type": "boolean", "const": true]],
            "required": ["session_id", "stopped"],
        ],
        effect: .removes
    )

    func call(
        _ arguments: ToolArguments,
        by caller: Caller,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> ToolResult {
        let run = try arguments.run()
        let session = try arguments.string(ArgumentName.session)
        try await access.authorize(caller, to: .stop, on: run)
        let token = PreviewToken(session) ?? .nobodys
        try await previews.stop(run: run, token: token)
        return try ToolResult(
            """
            The preview was stopped: its URL takes no new requests. WebSockets and event streams that are open may go \
            on for a while; stop the server in the sandbox if they must end now.
            """,
            StoppedBody(sessionID: token.text)
        )
    }
}
