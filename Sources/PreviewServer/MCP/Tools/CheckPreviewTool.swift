internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// `check_preview`: opens one preview now and says what was found.
struct CheckPreviewTool: Tool {
    let previews: Previews
    let access: RunAccess
    let address: PreviewAddress

    var longestWait: Duration? { nil }
    let definition = ToolDefinition(
        name: "check_preview",
        title: "Check a preview",
        description: """
            Opens a preview of an Agentweaver run now, as a browser would, and says whether the user sees a page of the app, \
            and if not, what to do. Call it after changing the server, or when start_preview said that the preview does not \
            work yet.
            """,
        arguments: [ArgumentName.run: ArgumentSchema.run, ArgumentName.session: ArgumentSchema.session],
        output: SessionSchema.json,
        effect: .reads
    )

    func call(
        _ arguments: ToolArguments,
        by caller: Caller,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> ToolResult {
        let run = try arguments.run()
        let session = try arguments.string(ArgumentName.session)
        try await access.authorize(caller, to: .list, on: run)
        let found = try await previews.check(run: run, token: PreviewToken(session) ?? .nobodys)
        let readiness = found.readiness
        let sentences = [
            readiness.isReady ? "The preview works." : "The preview does not work yet (\(readiness.state.rawValue)).",
            readiness.detail,
        ]
        return try ToolResult(
            sentences.compactMap { $0 }.joined(separator: " "),
            SessionBody(found, run: run, address: address)
        )
    }
}
