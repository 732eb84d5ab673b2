package import ArgumentParser

/// The command line of the development cluster.
package struct PreviewDevCluster: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "preview-devcluster",
        abstract: "Runs previews end to end on this machine, without Kubernetes.",
        discussion: """
            A Kubernetes API server in memory, sandboxes as processes, Envoy as the gateway, and preview-gateway beside \
            them as in production. Everything listens on loopback and ends with this command.
            """,
        subcommands: [UpCommand.self, DemoCommand.self, SampleAppCommand.self, WatchdogCommand.self]
    )

    package init() {}
}
