public import ArgumentParser
internal import FoundationEssentials
internal import PreviewControl
internal import PreviewServer
internal import YAMLKit

/// The command line of the service.
public struct PreviewGateway: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "preview-gateway",
        abstract: "Makes web servers inside sandbox pods reachable at unguessable addresses, and takes them back.",
        version: BuildInfo.current.line,
        subcommands: [
            ServeCommand.self, ListCommand.self, RequestsCommand.self, ApproveCommand.self, DenyCommand.self,
            StopCommand.self, ExplainCommand.self, WatchCommand.self, ReapCommand.self, DoctorCommand.self,
            DebugLogCommand.self,
        ]
    )

    public init() {}
}

/// Why a command did not do all that it was asked to: one line for the operator.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// Reads the cluster's previews, or says why they could not be read.
    static func reading<Value>(_ read: () async throws(ClusterError) -> Value) async throws -> Value {
        do {
            return try await read()
        } catch {
            throw CommandFailure("the cluster's previews could not be read: \(error.detail)")
        }
    }
}

/// How a list is printed, as kubectl's `--output` has it.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table, wide, json, yaml, name
}

/// How a report is printed: for people, or for programs.
enum ReportFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json
}

/// How what is known about some objects is printed.
enum ExplanationFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json, yaml
}

extension OutputFormat {
    /// A document as JSON or YAML; its coding keys are the members' names.
    func text(of document: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let json = try encoder.encode(document)
        if self == .yaml { return try YAMLNode.document(in: json)?.yaml ?? "" }
        return String(decoding: json, as: UTF8.self)
    }
}
