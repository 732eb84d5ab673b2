internal import ArgumentParser
internal import HTTPTransport
internal import KubernetesClient
internal import PreviewControl

/// `preview-gateway doctor`: checks the cluster and the installation, and reports what has to be corrected.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the cluster and the installation, and suggest fixes.",
        discussion: """
            Changes nothing. Exits with 0 if everything is in order, 1 if something needs attention, 2 if something does \
            not work. Each check has a stable id and a section of Docs/Doctor.md.

            \(SettingsOptions.discussion) Specify the service's own settings, as far as they are known.
            """,
        subcommands: [DoctorBundleCommand.self]
    )

    @Flag(help: "Run only the checks of what an installation requires.")
    var pre = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Run only this check or group; may be repeated.", valueName: "id-or-group")
    )
    var only: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Skip this check or group; may be repeated.", valueName: "id-or-group")
    )
    var skip: [String] = []

    @Option(name: .shortAndLong, help: "The output format.")
    var output = ReportFormat.table

    @OptionGroup var options: SettingsOptions

    func validate() throws {
        let known = Set(DoctorCheck.all.flatMap { [$0.id, $0.group.rawValue] })
        for name in only + skip where !known.contains(name) {
            throw ValidationError(
                "there is no check or group '\(name.prefix(40))': expected one of \(known.sorted().joined(separator: ", "))"
            )
        }
    }

    func run() async throws {
        let report = try await DoctorContext.withProcess(options) { await self.report($0) }
        Swift.print(try output == .table ? report.text : report.json())
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }

    /// Performs the selected checks.
    ///
    /// - Throws: A ``SettingsError`` if a setting or the cluster's configuration is invalid.
    func report(
        environment: [String: String],
        cluster: () throws -> ClusterConfiguration,
        platform: any HTTPTransport,
        resolve: @escaping @Sendable (String) async -> [String],
        probes: DoctorProbes = .system
    ) async throws -> DoctorReport {
        await report(
            try DoctorContext(options, environment: environment, cluster, platform, resolve: resolve, probes: probes)
        )
    }

    /// If the API server does not answer, this is reported even if only other checks are selected.
    func report(_ context: DoctorContext) async -> DoctorReport {
        let checks = DoctorCheck.all.filter(isSelected)
        let failure = checks.contains(where: \.needsCluster) ? await context.findingWithoutAnswer() : nil
        let first = DoctorCheck.apiServerCheck
        var entries = failure.map { [DoctorReport.Entry(check: first, finding: $0)] } ?? []
        for check in checks where failure == nil || check.id != first.id {
            let finding: DoctorFinding =
                failure != nil && check.needsCluster
                ? .skipped("the API server does not answer: see \(first.id)") : await perform(check, context)
            entries.append(DoctorReport.Entry(check: check, finding: finding))
        }
        return DoctorReport(entries: entries, doesClusterAnswer: failure == nil)
    }

    private func isSelected(_ check: DoctorCheck) -> Bool {
        let names = [check.id, check.group.rawValue]
        guard !pre || check.isPreInstallation, only.isEmpty || !Set(only).isDisjoint(with: names) else { return false }
        return Set(skip).isDisjoint(with: names)
    }

    /// Performs one check. If it throws, the finding says so, and the other checks still run.
    private func perform(_ check: DoctorCheck, _ context: DoctorContext) async -> DoctorFinding {
        do {
            return try await check.perform(context)
        } catch let error as KubernetesError where error.kind == .forbidden {
            return .skipped("your account lacks permission (\(error.operation ?? "a request"))")
        } catch let error as KubernetesError {
            return Self.failedRequest("\(error)")
        } catch let error as ClusterError where error.kind == .refused {
            // The error does not distinguish missing permissions from credentials that cannot be used.
            if let error = await Self.refusal(ofAccountIn: context) { return Self.failedRequest("\(error)") }
            return .skipped("your account lacks permission (\(error.detail))")
        } catch let error as ClusterError {
            return Self.failedRequest(error.detail)
        } catch {
            return .failure(
                "the check failed: \(type(of: error))",
                remedy: "report this with: preview-gateway doctor bundle"
            )
        }
    }

    /// The error if the account's credentials are not valid or cannot be obtained; `nil` otherwise.
    private static func refusal(ofAccountIn context: DoctorContext) async -> KubernetesError? {
        do {
            _ = try await context.client.serverVersion()
            return nil
        } catch let error as KubernetesError {
            return [.unauthorized, .configuration].contains(error.kind) ? error : nil
        } catch {
            return nil
        }
    }

    private static func failedRequest(_ reason: String) -> DoctorFinding {
        .failure("a request to the cluster failed: \(reason)", remedy: "kubectl version; see PG101")
    }
}
