package import ArgumentParser

/// The command line of the development cluster.
package struct PreviewDevCluster: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "preview-devcluster",
        abstract: "Runs preview-gateway with a sandbox, a gateway and a Kubernetes API server on this machine.",
        subcommands: [UpCommand.self, DemoCommand.self, SampleAppCommand.self, WatchdogCommand.self]
    )

    package init() {}
}
