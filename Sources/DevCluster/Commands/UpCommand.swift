import ArgumentParser
import FoundationEssentials
import HTTPTypes

/// `preview-devcluster up`: the whole platform on this machine, with a preview to look at.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start everything on loopback, with one preview, until Ctrl-C.",
        usage: "preview-devcluster up [--port <port>] [--gateway-port <port>] [-- <program> [<argument> ...]]"
    )

    @OptionGroup var options: ClusterOptions
    @Option(help: "The port on which the app in the sandbox listens.")
    var port = 3000
    @Option(help: "The port of the gateway on 127.0.0.1.")
    var gatewayPort = 8088
    @Option(help: "The port of the service on 127.0.0.1; 0 takes any.")
    var servicePort = 8089
    @Argument(
        parsing: .postTerminator,
        help: "The app to run in the sandbox, with HOST and PORT in its environment; a sample app if there is none."
    )
    var app: [String] = []

    /// How often the front end's part is played: a keepalive for the preview.
    private static let keepaliveInterval = Duration.seconds(50)

    func validate() throws {
        guard (3000...9000).contains(port) else {
            throw ValidationError("--port \(port): expected 3000 to 9000, the ports that can be previewed")
        }
    }

    func run() async throws {
        let programs = try Programs.find(environment: ProcessInfo.processInfo.environment)
        let cluster = DevelopmentCluster(
            template: SandboxTemplate(command: app.isEmpty ? [programs.devCluster, "sample-app"] : app, port: port),
            gatewayPort: try ClusterOptions.port(gatewayPort, option: "--gateway-port"),
            servicePort: try ClusterOptions.port(servicePort, option: "--service-port"),
            folder: try options.folder(),
            programs: programs,
            settings: [:],
            report: { print($0) }
        )
        print("Starting; Ctrl-C stops everything.")
        try await untilInterrupted {
            try await cluster.run { running in try await showPreview(running) }
        }
        print("Stopped.")
    }

    private func showPreview(_ running: DevelopmentCluster.Running) async throws {
        let started = try await running.service.start(run: running.runID, port: port)
        guard started.status == 200, let url = started.json["preview_url"]?.stringValue,
            let keepalive = started.json["keepalive_url"]?.stringValue,
            let token = started.json["session_id"]?.stringValue
        else {
            throw DevClusterFailure("the preview could not be started: \(started.status) \(started.text)")
        }
        let page = try await running.service.open(url)
        print(
            """

            The preview answers \(page.status) with \(page.text.utf8.count) bytes. Open it in a browser:

                \(url)

            Service     \(running.service.address)
            Key         \(running.service.key)
            kubeconfig  \(running.kubeconfig)
            Logs        \(running.serviceLog)
                        \(running.sandboxLog)

            Try next:

              1. List the run's previews:
                 curl -s -H 'Authorization: Bearer \(running.service.key)' \\
                     \(running.service.address)/api/runs/\(running.runID)/sandbox/port-forward
              2. Watch the routes come and go:
                 kubectl --kubeconfig \(running.kubeconfig) get httproutes -l agentweaver.dev/preview=true -w
              3. Stop the preview, and see that its address is gone:
                 curl -s -X DELETE -H 'Authorization: Bearer \(running.service.key)' \\
                     \(running.service.address)/api/runs/\(running.runID)/sandbox/port-forward/\(token)
            """
        )
        try await keepAlive(running.service, keepalive)
    }

    /// Pings as the web front end does while somebody watches, until the preview is stopped or this command is.
    private func keepAlive(_ service: ServiceClient, _ path: String) async throws {
        while true {
            try await Task.sleep(for: Self.keepaliveInterval)
            _ = try? await service.call(.post, path)
        }
    }
}
