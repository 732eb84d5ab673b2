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

    /// Reads what the cluster has, or says why it could not be read, and what to look at.
    static func reading<Value>(
        _ what: String = "the cluster's previews",
        _ read: () async throws(ClusterError) -> Value
    ) async throws -> Value {
        do {
            return try await read()
        } catch {
            throw CommandFailure("\(what) could not be read: \(error.detail)\(hint(error.kind))")
        }
    }

    /// What a use case refused, in an operator's hands.
    ///
    /// - Parameter deed: What could not be done.
    init(_ deed: String? = nil, refused error: PreviewError) {
        let words = deed.map { "\($0): \(error.message)" } ?? error.message
        let isOfCluster = error.kind == .clusterRefused
        self.init(
            isOfCluster
                ? "\(words) A command acts as your account, in place of the service\(Self.hint(.refused))" : words
        )
    }

    /// How an operator finds out more: the cluster and the account are those of the kubeconfig.
    private static func hint(_ kind: ClusterError.Kind) -> String {
        switch kind {
        case .refused:
            "; 'kubectl auth whoami' says who you are to it, and 'kubectl auth can-i --list' with the namespace what you may"
        case .unavailable: "; 'kubectl cluster-info' says which one is meant"
        default: ""
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
