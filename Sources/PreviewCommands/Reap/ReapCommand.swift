internal import ArgumentParser
internal import FoundationEssentials
internal import KubernetesClient
internal import PreviewControl

/// `preview-gateway reap`: performs one sweep, or prints what a sweep would do.
struct ReapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reap",
        abstract: "Delete due previews once, or print what would be deleted and why.",
        discussion: """
            Previews are named by their fingerprints, as in the service's log: a preview's token is a secret and is never \
            printed. Exits with 1 when the cluster cannot be read, or something is due and cannot be deleted.

            \(SettingsOptions.discussion) Neither a zone nor an identity is needed.
            """
    )

    @Flag(help: "Sweep once: delete what is due, print the results and exit.")
    var once = false

    @Flag(help: "Delete nothing; print what would be deleted.")
    var dryRun = false

    @Flag(
        help: """
            Delete no idle previews, like replicas that could not record keepalives until recently. Use it during or \
            after an outage.
            """
    )
    var spareIdle = false

    @Option(
        help: ArgumentHelp(
            "Explain the state of one preview and the reaper's decision. Deletes nothing.",
            valueName: "preview"
        )
    )
    var explain: String?

    @Option(name: .shortAndLong, help: "The output format.")
    var output = ExplanationFormat.table

    @OptionGroup var options: SettingsOptions

    /// Extra arguments. They are rejected in ``validate()``, because the parser's own error would repeat them and they may
    /// contain a token.
    @Argument(help: .hidden)
    var superfluous: [String] = []

    func validate() throws {
        guard superfluous.isEmpty else {
            throw ValidationError("reap accepts only options; to explain one preview, use --explain.")
        }
        guard once || explain != nil else {
            throw ValidationError(
                "specify --once or --explain; the command 'serve' reaps continuously."
            )
        }
        _ = try explain.map { try PreviewReference($0) }
    }

    func run() async throws {
        try await run(environment: ProcessInfo.processInfo.environment, cluster: { try .discover() }) { print($0) }
    }

    /// - Parameters:
    ///   - cluster: Loads the address, the trust and the credentials of the API server.
    ///   - print: Prints a result.
    /// - Throws: A ``SettingsError`` or a ``CommandFailure``.
    func run(
        environment: [String: String],
        cluster: () throws -> ClusterConfiguration,
        print: (String) -> Void
    ) async throws {
        let reference = try explain.map { try PreviewReference($0) }
        let connection = try ClusterConnection(
            ClusterSettings(options.sources(environment: environment)),
            to: cluster
        )
        let sweep = SingleSweep(
            policy: connection.policy,
            objects: connection.objects,
            clusterTime: connection.time,
            sparesIdle: spareIdle
        )
        let report = try await CommandFailure.reading { () async throws(ClusterError) in
            try await sweep.inspect(withClaims: explain != nil)
        }
        if let reference {
            return print(try report.explanation(of: [reference], output))
        }
        let deletes = !dryRun && connection.policy.isEnabled
        let outcomes = deletes ? await sweep.carryOut(report) : nil
        switch output {
        case .table: print(ReapTable(report, outcomes: outcomes, namespace: connection.settings.namespace).text)
        case .json: print(try ReapDocument(report, outcomes: outcomes).json())
        case .yaml: print(try ReapDocument(report, outcomes: outcomes).yaml())
        }
        let failures = (outcomes ?? [:]).values.count { if case .failed = $0 { true } else { false } }
        guard failures == 0 else { throw CommandFailure("\(failures) of the due objects could not be deleted") }
    }
}

extension ReapReport {
    /// Explains the previews that some references name, in the references' order; as JSON or YAML in one document.
    ///
    /// - Throws: A ``CommandFailure`` if a reference names nothing in the report.
    func explanation(of references: [PreviewReference], _ format: ExplanationFormat) throws -> String {
        var meant: [ReapEntry] = []
        for reference in references {
            let named = entries.filter(reference.matches)
            guard !named.isEmpty else {
                throw CommandFailure(
                    """
                    no preview or Service matches; it may have been deleted. 'preview-gateway list' \
                    prints all
                    """
                )
            }
            meant += named.filter { entry in !meant.contains { $0.token == entry.token } }
        }
        return switch format {
        case .table: meant.map { ReapExplanation($0, self).text }.joined(separator: "\n\n")
        case .json: try ReapDocument(self, entries: meant).json()
        case .yaml: try ReapDocument(self, entries: meant).yaml()
        }
    }
}
