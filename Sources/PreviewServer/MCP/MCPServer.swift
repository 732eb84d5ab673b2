internal import Basics
internal import PreviewIdentity

/// Answers requests of the Model Context Protocol.
///
/// It keeps no state between two requests: any replica answers any of them.
struct MCPServer: Sendable {
    /// The tools of this server, in the order in which they are listed.
    let tools: [any Tool]
    let access: RunAccess

    /// The result of a request.
    enum Outcome: Sendable {
        case result(JSONValue)
        case call(ToolCall)
    }

    /// How long a client may cache information about this server, in milliseconds. It changes only with a deployment.
    private static let cacheMilliseconds = 300_000

    /// - Throws: An error if the request is not valid in `revision`, or its parameters are not those of the method.
    func handle(_ request: JSONRPCRequest, in revision: ProtocolRevision) throws(JSONRPCError) -> Outcome {
        switch (request.method, revision.isStateless) {
        case ("initialize", false):
            return .result(try initialize(request, revision))
        case ("ping", false):
            return .result([:])
        case ("server/discover", true):
            return .result(complete(discovery, in: revision))
        case ("tools/list", _):
            guard request.params["cursor"] == nil else {
                throw JSONRPCError(.invalidParams, "There is no such cursor: all tools are on the first page.")
            }
            var list: [String: JSONValue] = ["tools": .array(tools.map(\.definition.json))]
            if revision.isStateless { list.merge(Self.cacheHints) { $1 } }
            return .result(complete(list, in: revision))
        case ("tools/call", _):
            return .call(try call(request))
        default:
            throw JSONRPCError(
                .methodNotFound,
                "There is no method '\(request.method.shortened)' in revision \(revision.rawValue)."
            )
        }
    }

    /// Adds the members that revision 2026-07-28 requires in every result.
    func complete(_ result: [String: JSONValue], in revision: ProtocolRevision) -> JSONValue {
        guard revision.isStateless else { return .object(result) }
        var result = result
        result["resultType"] = "complete"
        result["_meta"] = [ProtocolRevision.MetaKey.serverInfo: Self.info]
        return .object(result)
    }

    // MARK: Server information

    private static let info: JSONValue = [
        "name": "preview-gateway", "title": "Agentweaver previews", "version": "1.0.0",
    ]
    private static let capabilities: JSONValue = ["tools": ["listChanged": false]]
    private static let instructions: JSONValue = """
        Makes the web server that runs inside an Agentweaver run's sandbox reachable in a browser. First start the \
        server in the sandbox and let it listen on 0.0.0.0, then call start_preview with the run's id and the server's \
        port, and show the user the URL from the answer. Whoever has the URL can open the preview: give it to the user \
        only.
        """
    private static let cacheHints: [String: JSONValue] = [
        "ttlMs": .integer(cacheMilliseconds), "cacheScope": "public",
    ]

    private var discovery: [String: JSONValue] {
        [
            "supportedVersions": .array(ProtocolRevision.allCases.map { .string($0.rawValue) }),
            "capabilities": Self.capabilities,
            "instructions": Self.instructions,
        ].merging(Self.cacheHints) { $1 }
    }

    // MARK: Methods

    private func initialize(
        _ request: JSONRPCRequest,
        _ revision: ProtocolRevision
    ) throws(JSONRPCError) -> JSONValue {
        guard case .string = request.params["protocolVersion"] else {
            throw JSONRPCError(
                .invalidParams,
                "params.protocolVersion must be a string: expected one of \(ProtocolRevision.list)."
            )
        }
        return [
            "protocolVersion": .string(revision.rawValue),
            "capabilities": Self.capabilities,
            "serverInfo": Self.info,
            "instructions": Self.instructions,
        ]
    }

    private func call(_ request: JSONRPCRequest) throws(JSONRPCError) -> ToolCall {
        guard let name = request.params["name"]?.stringValue else {
            throw JSONRPCError(.invalidParams, "params.name must be a string, the name of a tool.")
        }
        guard let tool = tools.first(where: { $0.definition.name == name }) else {
            let names = tools.map(\.definition.name).joined(separator: ", ")
            throw JSONRPCError(
                .invalidParams,
                "Unknown tool '\(name.shortened)': expected one of \(names)."
            )
        }
        let arguments = request.params["arguments"] ?? [:]
        guard let arguments = arguments.objectValue else {
            throw JSONRPCError(.invalidParams, "params.arguments must be an object.")
        }
        var progressToken: JSONRPCID?
        if let token = request.meta["progressToken"] {
            progressToken = JSONRPCID(token)
            guard progressToken != nil else {
                throw JSONRPCError(.invalidParams, "params._meta.progressToken must be a string or an integer.")
            }
        }
        return ToolCall(tool: tool, arguments: arguments, progressToken: progressToken)
    }
}

/// A tool call of a client.
struct ToolCall: Sendable {
    let tool: any Tool
    let arguments: [String: JSONValue]
    /// Names the call in progress notifications; nil if the client wants none.
    let progressToken: JSONRPCID?
}
