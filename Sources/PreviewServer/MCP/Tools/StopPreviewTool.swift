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
            Ends a preview of an Agentweaver run: its URL stops working at once and for good. The server in the sandbox \
            goes on running.
            """,
        arguments: [
            ArgumentName.run: ArgumentSchema.run,
            ArgumentName.session: [
                "type": "string", "description": "The preview's session_id, from start_preview or list_previews.",
            ],
        ],
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
        return try ToolResult("The preview was stopped.", StoppedBody(sessionID: token.text))
    }
}
