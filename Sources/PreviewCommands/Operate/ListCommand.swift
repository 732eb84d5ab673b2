internal import ArgumentParser
internal import Basics
internal import FoundationEssentials
internal import KubernetesModel
internal import PreviewControl
internal import PreviewDomain

/// `preview-gateway list`: prints the previews in the cluster.
struct ListCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the cluster's previews.",
        discussion: """
            Previews are named by their fingerprints, as in the service's log. With -o name, json or yaml the names of \
            the HTTPRoutes are printed too: they hold the tokens, and with them the addresses, which are secrets.

            \(discussion)
            """
    )

    @OptionGroup var scope: NamespaceScope

    @Option(help: "Only the previews of this run.")
    var run: String?

    @Option(name: .shortAndLong, help: "The output format.")
    var output = OutputFormat.table

    @OptionGroup var options: OperatorOptions

    func validate() throws { _ = try RunFilter(run) }

    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws {
        let run = try RunFilter(run).run?.label
        var items: [PreviewItem] = []
        for connection in try await scope.connections(connection, holding: HTTPRoute.self, labelSelector: .previews) {
            let report = try await connection.report()
            items += report.entries.compactMap { PreviewItem($0, report, namespace: connection.namespace) }
                .filter { item in run.map { item.preview.run == $0 } ?? true }
        }
        switch output {
        case .table, .wide:
            context.print(
                items.isEmpty
                    ? "No previews in \(scope.namespaceDescription(connection))."
                    : PreviewItem.table(items, isWide: output == .wide, showsNamespace: scope.allNamespaces)
                        .lines.joined(separator: "\n")
            )
        case .name:
            for item in items { context.print("httproute.gateway.networking.k8s.io/\(item.preview.token.objectName)") }
        case .json, .yaml:
            context.print(try output.text(of: ["items": items]))
        }
    }
}

/// One preview in the list.
struct PreviewItem: Encodable {
    let preview: Preview
    private let report: ReapReport
    private let state: String
    private let namespace: String

    init?(_ entry: ReapEntry, _ report: ReapReport, namespace: String) {
        self.namespace = namespace
        guard case .preview(let preview, _) = entry.subject else { return nil }
        self.preview = preview
        self.report = report
        state =
            switch entry.decision {
            case .keep: "alive"
            case .reap(let reason, _): reason.rawValue
            case .leave: "ending"
            }
    }

    private enum CodingKeys: String, CodingKey {
        case fingerprint, namespace, run, port, pod, owner, state, name
        case startedAt = "started_at"
        case expiresAt = "expires_at"
        case maxUntil = "max_until"
    }

    func encode(to encoder: any Encoder) throws {
        let policy = report.policy.lifetime
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(preview.token.fingerprint, forKey: .fingerprint)
        try members.encode(namespace, forKey: .namespace)
        try members.encodeIfPresent(runText, forKey: .run)
        try members.encodeIfPresent(preview.targetPort, forKey: .port)
        try members.encodeIfPresent(preview.podName, forKey: .pod)
        try members.encodeIfPresent(preview.owner, forKey: .owner)
        try members.encode(state, forKey: .state)
        try members.encode(preview.token.objectName, forKey: .name)
        try members.encode(RFC3339.string(preview.startedAt), forKey: .startedAt)
        try members.encode(RFC3339.string(preview.deadline(policy: policy)), forKey: .expiresAt)
        try members.encode(RFC3339.string(preview.effectiveMaxUntil(policy: policy)), forKey: .maxUntil)
    }

    private var runText: String? { preview.runID.map { "\($0)" } ?? preview.run.map { "\($0)" } }

    static func table(_ items: [PreviewItem], isWide: Bool, showsNamespace: Bool) -> TextTable {
        TextTable(
            header: (showsNamespace ? ["NAMESPACE"] : []) + [
                "FINGERPRINT", "RUN", "PORT", "STATE", "AGE", "EXPIRES IN",
            ]
                + (isWide ? ["CAP IN", "POD", "OWNER"] : []),
            rows: items.map { (showsNamespace ? [$0.namespace] : []) + $0.row(isWide: isWide) }
        )
    }

    private func row(isWide: Bool) -> [String] {
        let policy = report.policy.lifetime
        let columns = [
            preview.token.fingerprint, runText ?? "-", preview.targetPort.map(String.init) ?? "-", state,
            report.time.map { $0.earliest.duration(since: preview.createdAt).short } ?? "-",
            timeLeft(until: preview.deadline(policy: policy)),
        ]
        guard isWide else { return columns }
        return columns + [
            timeLeft(until: preview.effectiveMaxUntil(policy: policy)), preview.podName ?? "-", preview.owner ?? "-",
        ]
    }

    private func timeLeft(until instant: Date) -> String {
        report.time.map { instant.duration(since: $0.earliest).short } ?? "-"
    }
}

/// `preview-gateway explain`: prints everything that is known about previews.
struct ExplainCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Explain the state of a preview and the reaper's decision.",
        discussion: discussion
    )

    @OptionGroup var arguments: PreviewArguments

    @Option(name: .shortAndLong, help: "The output format.")
    var output = ExplanationFormat.table

    @OptionGroup var options: OperatorOptions

    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws {
        let references = try arguments.references()
        let report = try await connection.report(withClaims: true)
        context.print(try report.explanation(of: references, output))
    }
}
