internal import ArgumentParser
internal import CMemory
internal import Logging

/// `preview-gateway serve`: the service itself.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the HTTP API and reap previews, until SIGTERM or SIGINT.",
        discussion: SettingsOptions.discussion
    )

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        // Before anything large is allocated.
        cmemory_map_large_blocks()
        do {
            let settings = try Settings(options.sources())
            var logger = Logger(label: "preview-gateway") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = settings.logLevel
            try await PreviewService(settings: settings, logger: logger).run()
        } catch let error as SettingsError {
            throw ValidationError(error.description)
        }
    }
}
