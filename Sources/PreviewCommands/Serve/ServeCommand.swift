internal import ArgumentParser
internal import FoundationEssentials
internal import Logging

/// `preview-gateway serve`: the service itself.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the HTTP API and reap previews, until SIGTERM or SIGINT.",
        discussion: """
            Settings come from --set, from environment variables of the same names, and from the settings file, in this \
            order. The cluster is $KUBECONFIG's, or the one that this pod runs in, or ~/.kube/config's.
            """
    )

    @Option(help: ArgumentHelp("A YAML or JSON file with settings.", valueName: "path"))
    var config: String?

    @Option(
        name: .customLong("set"),
        parsing: .singleValue,
        help: ArgumentHelp("One setting; may be repeated.", valueName: "KEY=VALUE")
    )
    var flags: [String] = []

    func run() async throws {
        do {
            let sources = try SettingsSources(
                flags: flags,
                environment: ProcessInfo.processInfo.environment,
                file: config
            )
            let settings = try Settings(sources)
            var logger = Logger(label: "preview-gateway") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = settings.logLevel
            try await PreviewService(settings: settings, logger: logger).run()
        } catch let error as SettingsError {
            throw ValidationError(error.description)
        }
    }
}
