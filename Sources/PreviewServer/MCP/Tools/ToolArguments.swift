internal import Basics
internal import PreviewDomain

/// The arguments of a call, as the model wrote them.
struct ToolArguments: Sendable {
    private let members: [String: JSONValue]

    /// - Throws: ``ToolArgumentError`` for a missing argument or one that the tool does not have.
    init(_ arguments: [String: JSONValue], of tool: ToolDefinition) throws(ToolArgumentError) {
        let members = arguments.withoutNulls
        let expected = tool.arguments.keys.sorted()
        let list = expected.joined(separator: " and ")
        for name in expected where members[name] == nil {
            throw ToolArgumentError("The argument \(name) is missing: \(tool.name) takes \(list).")
        }
        for name in members.keys.sorted() where tool.arguments[name] == nil {
            throw ToolArgumentError(
                "There is no argument '\(name.echo)': \(tool.name) takes \(list)."
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

    /// Models write numbers as text now and then; what is meant is clear.
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

    func run() throws -> RunID { try RunID(try string(ArgumentName.run)) }
}

/// The names of the tools' arguments.
enum ArgumentName {
    static let run = "run_id"
    static let port = "port"
    static let session = "session_id"
}

/// Arguments that a tool cannot be called with. The message is for the model that wrote them.
struct ToolArgumentError: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}
