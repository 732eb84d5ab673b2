internal import Basics
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// An operation for language models.
protocol Tool: Sendable {
    var definition: ToolDefinition { get }

    /// What the caller must be allowed to do to the run. ``MCPCall`` checks it before every call.
    var action: RunAction { get }

    /// The longest wait of a call, for a human or for a preview to work; nil if it does not wait.
    ///
    /// - Parameter arguments: The arguments of the call, which may be invalid.
    func longestWait(_ arguments: [String: JSONValue]) -> Duration?

    /// Carries it out, with the caller's permissions.
    ///
    /// - Parameter report: Takes a sentence for the user about what the call is waiting for.
    /// - Throws: The reason of a failure, which ``ToolResult/init(failure:)`` describes for a model.
    func call(
        _ arguments: ToolArguments,
        on run: RunID,
        by caller: Caller,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> ToolResult
}

extension Tool {
    func longestWait(_ arguments: [String: JSONValue]) -> Duration? { nil }
}

/// The description of a tool for clients (MCP, "Tools").
struct ToolDefinition: Sendable {
    let name: String
    let title: String
    /// The text for the model that decides about calling it.
    let description: String
    /// The required arguments, as JSON Schema 2020-12 for each.
    let arguments: [String: JSONValue]
    /// The arguments that may be absent.
    var optionalArguments: [String: JSONValue] = [:]
    /// A JSON Schema 2020-12 of the result's structured content.
    let output: JSONValue
    let effect: Effect

    /// The effects of a call; clients ask their users before some of these.
    enum Effect: Sendable {
        case reads
        /// Creates something. Repeating the call finds it.
        case ensures
        /// Deletes something. Repeating the call changes nothing.
        case removes
    }

    private var inputSchema: JSONValue {
        [
            "type": "object", "properties": .object(arguments.merging(optionalArguments) { required, _ in required }),
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

/// The arguments of a call, as the model wrote them.
struct ToolArguments: Sendable {
    private let members: [String: JSONValue]

    /// - Throws: ``ToolArgumentError`` for a missing or unknown argument.
    init(_ arguments: [String: JSONValue], of tool: ToolDefinition) throws(ToolArgumentError) {
        let members = arguments.withoutNulls
        let expected = tool.arguments.keys.sorted()
        let optional = tool.optionalArguments.keys.sorted()
        let list =
            expected.joined(separator: " and ")
            + (optional.isEmpty ? "" : ", and optionally \(optional.joined(separator: " and "))")
        for name in expected where members[name] == nil {
            throw ToolArgumentError("The argument \(name) is missing: \(tool.name) takes \(list).")
        }
        for name in members.keys.sorted() where !expected.contains(name) && !optional.contains(name) {
            throw ToolArgumentError(
                "There is no argument '\(name.shortened)': \(tool.name) takes \(list)."
            )
        }
        self.members = members
    }

    func string(_ name: String) throws(ToolArgumentError) -> String {
        guard let value = members[name]?.stringValue else {
            throw ToolArgumentError("The argument \(name) must be a string.")
        }
        return value
    }

    /// Models sometimes write numbers as strings.
    func integer(_ name: String) throws(ToolArgumentError) -> Int {
        let value: Int? =
            switch members[name] {
            case .integer(let value): value
            case .string(let text): Int(digits: text)
            default: nil
            }
        guard let value else {
            throw ToolArgumentError("The argument \(name) must be a whole number, for example 3000.")
        }
        return value
    }

    /// An optional argument: how many whole seconds the call is to wait; zero if it is absent.
    func wait(atMost longest: Duration) throws(ToolArgumentError) -> Duration {
        guard members[ArgumentName.wait] != nil else { return .zero }
        let limit = Int(longest.components.seconds)
        let seconds = try integer(ArgumentName.wait)
        guard (0...limit).contains(seconds) else {
            throw ToolArgumentError("The argument \(ArgumentName.wait) must be from 0 to \(limit).")
        }
        return .seconds(seconds)
    }

    func run() throws -> RunID { try RunID(try string(ArgumentName.run)) }

    /// What is no token is looked for as one that no preview has, as over HTTP.
    func token() throws(ToolArgumentError) -> PreviewToken {
        PreviewToken(try string(ArgumentName.session)) ?? .placeholder
    }
}

/// The names of the tools' arguments.
enum ArgumentName {
    static let run = "run_id"
    static let port = "port"
    static let session = "session_id"
    static let wait = "wait_seconds"
}

/// Invalid arguments of a call. The message is for the model that wrote them.
struct ToolArgumentError: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

/// The result of a call, in words for a model and as data for a program.
struct ToolResult: Sendable {
    let text: String
    /// Data that conforms to the tool's output schema; nil for a failure.
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

    /// The members of a `CallToolResult`. Clients that do not support structured content get it as text too (MCP,
    /// "Structured Content").
    func members() throws -> [String: JSONValue] {
        var content: [JSONValue] = [["type": "text", "text": .string(text)]]
        if let structured { content.append(["type": "text", "text": .string(try structured.text())]) }
        var members: [String: JSONValue] = ["content": .array(content), "isError": .bool(structured == nil)]
        members["structuredContent"] = structured
        return members
    }
}

extension ToolResult {
    /// Describes the reason of a failure.
    ///
    /// - Returns: nil for an unexpected error.
    init?(failure error: any Error) {
        switch error {
        case let error as ToolArgumentError: self = .failure(error.message)
        case let error as InvalidRunID: self = .failure(error.message)
        case let error as APIError: self = .failure(error.message)
        case let error as PreviewError:
            self = .failure(Self.sentences(error.message, error.kind.advice, Self.wait(error.retryAfter)))
        case let error as AccessDenied:
            self = .failure(Self.sentences(error.message, error.kind.advice, Self.wait(error.retryAfter)))
        default: return nil
        }
    }

    private static func sentences(_ parts: String?...) -> String {
        parts.compactMap(\.self).joined(separator: " ")
    }

    private static func wait(_ time: Duration?) -> String? {
        guard let time, time > .zero else { return nil }
        return "Wait \(time.wholeSecondsUp) seconds before the next call."
    }
}

extension PreviewError.Kind {
    /// What the model can do, in addition to the error's own text.
    fileprivate var advice: String? {
        switch self {
        case .noSandbox: "Start your server in the run's sandbox first, then call start_preview again."
        case .approvalDenied: "Do not ask again unless the user tells you to."
        case .approvalTimedOut:
            """
            Tell the user that the request has to be approved, then call start_preview again. \
            \(DecisionInstructions.description(run: "{run_id}"))
            """
        case .approvalUsed: "Make sure that your server runs, then call start_preview again; that is a new request."
        case .approvalWithdrawn:
            """
            Make sure that your server runs, then call start_preview again; a human must then approve it again. \
            \(DecisionInstructions.description(run: "{run_id}"))
            """
        case .previewNotFound, .noPendingApproval, .approvalNotFound: "list_previews shows the existing previews."
        case .forbidden, .runNotFound: AccessDenied.Kind.forbidden.advice
        case .runOver: "Do not ask again for this run."
        case .invalid, .disabled, .limitReached, .clusterUnavailable, .clusterRefused, .cancelled, .braked: nil
        }
    }
}

extension AccessDenied.Kind {
    fileprivate var advice: String? {
        switch self {
        case .forbidden, .runNotFound: "Check run_id: you can only act on runs that belong to your user."
        case .unauthenticated, .unavailable, .cancelled: nil
        }
    }
}
