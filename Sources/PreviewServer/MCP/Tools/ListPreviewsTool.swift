internal import Basics
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// `list_previews`: the previews of one run.
struct ListPreviewsTool: Tool {
    let previews: Previews
    let access: RunAccess
    let address: PreviewAddress

    var longestWait: Duration? { nil }
    let definition = ToolDefinition(
        name: "list_previews",
        title: "List previews",
        description: """
            Lists the previews of an Agentweaver run, the oldest first, each with its URL, its port, when it ends, and \
            whether it works. The URLs are secrets: show them to the user only.
            """,
        arguments: [ArgumentName.run: ArgumentSchema.run],
        output: [
            "type": "object",
            "properties": ["previews": ["type": "array", "items": SessionSchema.json]],
            "required": ["previews"],
        ],
        effect: .reads
    )

    func call(
        _ arguments: ToolArguments,
        by caller: Caller,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> ToolResult {
        let run = try arguments.run()
        try await access.authorize(caller, to: .list, on: run)
        let sessions = try await previews.list(run: run)
        let lines = sessions.map { "- \($0.line), \(address.previewURL($0.token).value)" }
        return try ToolResult(
            sessions.isEmpty ? "This run has no previews." : lines.joined(separator: "\n"),
            ["previews": sessions.map { SessionBody($0, run: run, address: address) }]
        )
    }
}
