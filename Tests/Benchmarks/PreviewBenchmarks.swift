import ArgumentParser

/// Measures the service against its marks, see Docs/Performance.md.
@main
struct PreviewBenchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview-benchmarks",
        abstract: "Measures what the service costs, and says which marks are met.",
        subcommands: [
            RunCommand.self, DevelopmentServerCommand.self, KeepaliveServerCommand.self, EchoServerCommand.self,
            CoreAPIServerCommand.self, ServiceCommand.self,
        ],
        defaultSubcommand: RunCommand.self
    )
}
