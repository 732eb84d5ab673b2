public import ArgumentParser
internal import PreviewServer

/// The command line of the service.
public struct PreviewGateway: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "preview-gateway",
        abstract: "Makes web servers inside sandbox pods reachable at unguessable addresses, and takes them back.",
        version: BuildInfo.current.line,
        subcommands: [
            ServeCommand.self, ListCommand.self, RequestsCommand.self, ApproveCommand.self, DenyCommand.self,
            StopCommand.self, ExplainCommand.self, WatchCommand.self, ReapCommand.self, DoctorCommand.self,
            DebugLogCommand.self,
        ]
    )

    public init() {}
}
