import ArgumentParser
import FoundationEssentials

/// `preview-devcluster demo`: the life of two previews, from start to nothing left, checked step by step.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Play the main job once, check every step, and print the figures as JSON."
    )

    @OptionGroup var options: ClusterOptions

    /// The app's port.
    private static let port = 3000
    /// An idle time-out of three seconds, so that expiry can be watched.
    private static let settings = ["Sandbox__Preview__IdleTimeoutMinutes": "0.05"]

    func run() async throws {
        let programs = try Programs.find(environment: ProcessInfo.processInfo.environment)
        let cluster = DevelopmentCluster(
            template: SandboxTemplate(command: [programs.devCluster, "sample-app"], port: Self.port),
            gatewayPort: try ClusterOptions.port(0, option: "--gateway-port"),
            servicePort: try ClusterOptions.port(0, option: "--service-port"),
            folder: try options.folder(),
            programs: programs,
            settings: Self.settings,
            report: { print($0) }
        )
        let report = DemoReport()
        try await untilInterrupted {
            try await cluster.run { running in
                try await DemoScript(running: running, report: report, port: Self.port).play()
            }
        }
        let json = await report.json
        print(json.description)
        guard await report.succeeded else { throw ExitCode.failure }
    }
}
