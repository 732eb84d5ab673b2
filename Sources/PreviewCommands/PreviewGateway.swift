public import ArgumentParser
internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain
internal import PreviewServer
internal import YAMLKit

/// The command line of the service. ``ServeCommand`` is the service itself; the other commands are for operators.
public struct PreviewGateway: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "preview-gateway",
        abstract: "Serves previews of web servers in sandbox pods at unguessable addresses.",
        version: BuildInfo.current.line,
        subcommands: [
            ServeCommand.self, ListCommand.self, RequestsCommand.self, ApproveCommand.self, DenyCommand.self,
            StopCommand.self, ExplainCommand.self, WatchCommand.self, ReapCommand.self, DoctorCommand.self,
            DebugLogCommand.self,
        ]
    )

    public init() {}
}

/// The reason for which a command failed or did only a part of its work, as one line for the operator.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    /// - Parameter description: It may contain text from the cluster, so it is shown escaped.
    init(_ description: String) {
        self.description = Excerpt.escaped(description)
    }

    /// Calls a closure that reads from the cluster.
    ///
    /// - Throws: A ``CommandFailure`` that names what could not be read and, where known, how to find the cause.
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

    /// A use case's error as an operator sees it.
    ///
    /// - Parameter action: The action that failed.
    init(_ action: String? = nil, refused error: PreviewError) {
        let text = action.map { "\($0): \(error.message)" } ?? error.message
        let isOfCluster = error.kind == .clusterRefused
        self.init(
            isOfCluster
                ? "\(text) Commands use your account, not the service's\(Self.hint(.refused))" : text
        )
    }

    /// How the operator can find the cause. The cluster and the account are those of the operator's kubeconfig.
    private static func hint(_ kind: ClusterError.Kind) -> String {
        switch kind {
        case .refused:
            "; 'kubectl auth whoami' prints your account, and 'kubectl auth can-i --list' its permissions"
        case .unavailable: "; 'kubectl cluster-info' prints the cluster in use"
        default: ""
        }
    }
}

/// The format of a list, as in kubectl's `--output`.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table, wide, json, yaml, name
}

/// The format of a report.
enum ReportFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json
}

/// The format of an explanation.
enum ExplanationFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json, yaml
}

extension OutputFormat {
    /// A document as JSON or YAML, with the document's coding keys as the names of the members.
    func text(of document: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let json = try encoder.encode(document)
        if self == .yaml { return try YAMLNode.document(in: json)?.yaml ?? "" }
        return String(decoding: json, as: UTF8.self)
    }
}
