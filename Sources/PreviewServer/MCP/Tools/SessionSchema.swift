internal import Basics
internal import PreviewControl

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
                "description": .string("How far the preview has come. \(AgentGuide.readiness)."),
            ],
            "host_header": [
                "type": "string", "enum": ["preserve", "localhost"], "description": "Which host the app sees.",
            ],
            "app_status": ["type": "integer", "description": "The HTTP status with which the app answered."],
            "detail": ["type": "string", "description": "What is wrong and what to do, where something is."],
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

/// The JSON Schemas of arguments that several tools have.
enum ArgumentSchema {
    static let run: JSONValue = [
        "type": "string", "description": "The id of the Agentweaver run in whose sandbox the server runs.",
    ]
    static let session: JSONValue = [
        "type": "string", "description": "The preview's session_id, from start_preview or list_previews.",
    ]
}
