internal import Basics
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// `list_previews`: the previews of one run.
struct ListPreviewsTool: Tool {
    let previews: Previews
    let address: PreviewAddress

    let action = RunAction.list
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
        on run: RunID,
        by caller: Caller,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> ToolResult {
        let sessions = try await previews.list(run: run)
        let lines = sessions.map { "- \($0.line), \(address.previewURL($0.token).value)" }
        return try ToolResult(
            sessions.isEmpty ? "This run has no previews." : lines.joined(separator: "\n"),
            ["previews": sessions.map { SessionBody($0, run: run, address: address) }]
        )
    }
}

/// `check_preview`: opens one preview now and reports the result.
struct CheckPreviewTool: Tool {
    let previews: Previews
    let waiting: WaitingCalls
    let address: PreviewAddress

    let action = RunAction.list

    func longestWait(_ arguments: [String: JSONValue]) -> Duration? {
        let wait = try? ToolArguments(arguments, of: definition).wait(atMost: Previews.longestCheckWait)
        return wait.flatMap { $0 > .zero ? $0 : nil }
    }

    let definition = ToolDefinition(
        name: "check_preview",
        title: "Check a preview",
        description: """
            Opens a preview of an Agentweaver run now, as a browser would, and says whether the user sees a page of the app, \
            and if not, what to do. Call it after changing the server, or when start_preview said that the preview does not \
            work yet. With \(ArgumentName.wait) it checks again, once a second, until the preview works or that time is over: \
            one call instead of many while a server compiles.
            """,
        arguments: [ArgumentName.run: ArgumentSchema.run, ArgumentName.session: ArgumentSchema.session],
        optionalArguments: [
            ArgumentName.wait: [
                "type": "integer", "minimum": 0, "maximum": .integer(Int(Previews.longestCheckWait.components.seconds)),
                "description": "How long to wait until the preview works, in seconds; 0 without it.",
            ]
        ],
        output: SessionSchema.json,
        effect: .reads
    )

    func call(
        _ arguments: ToolArguments,
        on run: RunID,
        by caller: Caller,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> ToolResult {
        let token = try arguments.token()
        let wait = try arguments.wait(atMost: Previews.longestCheckWait)
        let found = try await check(run, token, wait, report)
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

    /// Only a waiting call takes a slot.
    private func check(
        _ run: RunID,
        _ token: PreviewToken,
        _ wait: Duration,
        _ report: @escaping @Sendable (String) -> Void
    ) async throws -> PreviewSession {
        guard wait > .zero else { return try await previews.check(run: run, token: token) }
        report("The preview is checked until it works, for \(wait.components.seconds) seconds at most.")
        return try await waiting.wait(for: run) { try await previews.check(run: run, token: token, wait: wait) }
    }
}

/// `stop_preview`: stops one preview.
struct StopPreviewTool: Tool {
    let previews: Previews

    let action = RunAction.stop
    let definition = ToolDefinition(
        name: "stop_preview",
        title: "Stop a preview",
        description: """
            Ends a preview of an Agentweaver run: within moments its URL permanently accepts no new requests. The \
            server in the sandbox continues to run. Open connections, such as WebSockets and event streams, are not \
            closed: each may last for a preview's longest lifetime. To end them now, stop the server in the sandbox.
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
        on run: RunID,
        by caller: Caller,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> ToolResult {
        let token = try arguments.token()
        try await previews.stop(run: run, token: token, by: caller.identity)
        return try ToolResult(
            """
            The preview was stopped: its URL accepts no new requests. Open WebSockets and event streams may continue \
            for a while; stop the server in the sandbox if they must end now.
            """,
            StoppedBody(sessionID: token.text)
        )
    }
}

/// The JSON Schema 2020-12 of a ``SessionBody``.
enum SessionSchema {
    static let json: JSONValue = [
        "type": "object",
        "properties": [
            "session_id": ["type": "string", "description": "Names the preview, for example to stop_preview."],
            "local_port": ["type": "integer", "description": "Always 0."],
            "target_port": ["type": "integer", "description": "The port in the sandbox that the preview shows."],
            "pod_name": ["type": "string", "description": "The sandbox's pod."],
            "started_at": timestamp("When the preview was started."),
            "preview_url": ["type": "string", "description": "What the user opens in a browser."],
            "keepalive_url": ["type": "string", "description": "A POST to it keeps the preview alive."],
            "expires_at": timestamp("When the preview ends unless it is kept alive."),
            "max_until": timestamp("When the preview ends at the latest."),
            "ready": ["type": "boolean", "description": "Whether a browser sees a page of the app at the URL."],
            "readiness": [
                "type": "string",
                "enum": .array(Readiness.State.allCases.map { .string($0.rawValue) }),
                "description": .string("The state of the preview. \(AgentGuide.readiness)."),
            ],
            "host_header": [
                "type": "string", "enum": ["preserve", "localhost"], "description": "Which host the app sees.",
            ],
            "app_status": ["type": "integer", "description": "The HTTP status with which the app answered."],
            "detail": ["type": "string", "description": "The problem and how to correct it, if there is one."],
        ],
        "required": [
            "session_id", "local_port", "started_at", "preview_url", "keepalive_url", "expires_at", "max_until",
            "ready", "readiness",
        ],
    ]

    private static func timestamp(_ description: JSONValue) -> JSONValue {
        ["type": "string", "format": "date-time", "description": description]
    }
}

/// The JSON Schemas of common arguments.
enum ArgumentSchema {
    static let run: JSONValue = [
        "type": "string", "description": "The id of the Agentweaver run in whose sandbox the server runs.",
    ]
    static let session: JSONValue = [
        "type": "string", "description": "The preview's session_id, from start_preview or list_previews.",
    ]
}
