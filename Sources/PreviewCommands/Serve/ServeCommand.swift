internal import ArgumentParser
internal import CMemory

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
        // What is wrong with a setting is one line, without the command's usage.
        let settings = try Settings(options.sources())
        let level = AdjustableLogLevel(settings.logLevel)
        let logger = settings.logFormat.logger(label: "preview-gateway", level: level)
        try await PreviewService(settings: settings, logger: logger, logLevel: level).run()
    }
}
