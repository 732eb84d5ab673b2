import ArgumentParser

/// `preview-devcluster demo`: shows a preview from its start to its end, and reports the results.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run two previews from start to end, print the results, and exit.",
        discussion: """
            The last line is one JSON object. The exit code is 0 only if every result is as expected; the figures are \
            printed with their targets and do not affect it.
            """
    )

    /// The idle time-out for the demonstration, instead of the default of half an hour.
    private static let idleTimeout = (setting: "0.1", seconds: 6)

    @OptionGroup var options: ClusterOptions

    func run() async throws {
        let (options, terminal) = (options, Terminal())
        let report = try await Interruption.run {
            try await StateFolder.withFolder(at: options.stateFolder()) { folder in
                let cluster = try DevelopmentCluster(
                    options: options,
                    command: [],
                    executables: Executables(),
                    folder: folder,
                    settings: ["Sandbox__Preview__IdleTimeoutMinutes": Self.idleTimeout.setting],
                    terminal: terminal
                )
                return try await cluster.run { cluster in
                    var demo = Demo(cluster: cluster, terminal: terminal)
                    return try await demo.run(idleSeconds: Self.idleTimeout.seconds)
                }
            }
        }
        guard let report else { throw ExitCode.failure }
        terminal.line("\n\(report.table)\n")
        terminal.line("\(report.json)")
        guard report.isSuccessful else { throw ExitCode.failure }
    }
}
