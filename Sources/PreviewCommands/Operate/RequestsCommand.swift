internal import ArgumentParser
internal import Basics
internal import FoundationEssentials
internal import KubernetesModel
internal import PreviewCluster
internal import PreviewControl
internal import PreviewDomain

/// `preview-gateway requests`: prints the agents' requests for approval.
struct RequestsCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "requests",
        abstract: "List the pending requests for approval, and with --all also the decided ones.",
        discussion: discussion
    )

    @OptionGroup var scope: NamespaceScope

    @Flag(help: "Also list decided requests that are still on their claims.")
    var all = false

    @Option(name: .shortAndLong, help: "The output format.")
    var output = OutputFormat.table

    @OptionGroup var options: OperatorOptions

    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws {
        var found: [(request: Approval, namespace: String)] = []
        for connection in try await scope.connections(connection, holding: SandboxClaim.self) {
            found += try await connection.requests().filter { all || $0.state == .pending }
                .map { ($0, connection.namespace) }
        }
        let now = connection.cluster.time.reading()?.earliest
        switch output {
        case .table, .wide:
            guard !found.isEmpty else {
                return context.print(
                    """
                    No \(all ? "requests" : "pending requests") in \(scope.namespaceDescription(connection)).
                    """
                )
            }
            let table = TextTable(
                header: (scope.allNamespaces ? ["NAMESPACE"] : []) + [
                    "REQUEST", "RUN", "PORT", "STATE", "AGE", "DECIDE WITHIN", "REQUESTED BY",
                ]
                    + (output == .wide ? ["POD", "DECIDED BY", "SCOPE"] : []),
                rows: found.map { (scope.allNamespaces ? [$0.namespace] : []) + row($0.request, now) }
            )
            context.print(table.lines.joined(separator: "\n"))
        case .name:
            for (request, _) in found { context.print(request.id.text) }
        case .json, .yaml:
            context.print(
                try output.text(of: ["items": found.map { RequestItem(request: $0.request, namespace: $0.namespace) }])
            )
        }
    }

    private func row(_ request: Approval, _ now: Date?) -> [String] {
        let within = request.state == .pending ? now.map { request.deadline.duration(since: $0).short } : nil
        let columns = [
            request.id.displayID, "\(request.run)", "\(request.port)", request.state.rawValue,
            now.map { $0.duration(since: request.requestedAt).short } ?? "-", within ?? "-", request.requester,
        ]
        guard output == .wide else { return columns }
        return columns + [request.pod, request.decidedBy ?? "-", request.scope?.rawValue ?? "-"]
    }
}

/// One request in the list.
private struct RequestItem: Encodable {
    let request: Approval
    let namespace: String

    private enum CodingKeys: String, CodingKey {
        case namespace, run, state, port, pod, requester, deadline, scope
        case requestID = "request_id"
        case requestedAt = "requested_at"
        case decidedBy = "decided_by"
        case decidedAt = "decided_at"
    }

    func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(request.id.text, forKey: .requestID)
        try members.encode(namespace, forKey: .namespace)
        try members.encode("\(request.run)", forKey: .run)
        try members.encode(request.state.rawValue, forKey: .state)
        try members.encode(Int("\(request.port)"), forKey: .port)
        try members.encode(request.pod, forKey: .pod)
        try members.encode(request.requester, forKey: .requester)
        try members.encode(RFC3339.string(request.requestedAt), forKey: .requestedAt)
        try members.encode(RFC3339.string(request.deadline), forKey: .deadline)
        try members.encodeIfPresent(request.scope?.rawValue, forKey: .scope)
        try members.encodeIfPresent(request.decidedBy, forKey: .decidedBy)
        try members.encodeIfPresent(request.decidedAt.map { RFC3339.string($0) }, forKey: .decidedAt)
    }
}
