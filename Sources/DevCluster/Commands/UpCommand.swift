import ArgumentParser

/// `preview-devcluster up`: starts a development cluster with an app in a sandbox and a preview of it, and keeps them running.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start everything, start a preview of an app, and run until Ctrl-C.",
        discussion: """
            Without a command the sandbox runs a sample app. Your own command gets the address and the port to listen \
            on in the variables HOST and PORT:

              preview-devcluster up --port 5173 -- npm run dev -- --host
            """
    )

    /// The interval in which the front end sends keepalives.
    private static let keepaliveInterval: Duration = .seconds(60)

    @OptionGroup var options: ClusterOptions

    @Argument(parsing: .postTerminator, help: "The app's command, after --.")
    var command: [String] = []

    func run() async throws {
        let (options, command, terminal) = (options, command, Terminal())
        let finished: Void? = try await Interruption.run {
            try await StateFolder.withFolder(at: options.stateFolder()) { folder in
                let cluster = try DevelopmentCluster(
                    options: options,
                    command: command,
                    executables: Executables(),
                    folder: folder,
                    settings: [:],
                    terminal: terminal
                )
                try await cluster.run { try await Self.serve($0, terminal) }
            }
        }
        if finished == nil { terminal.line("\nAll processes have ended.") }
    }

    private static func serve(_ cluster: RunningCluster, _ terminal: Terminal) async throws {
        let session = try await terminal.step("the preview starts") {
            let session = try await cluster.service.start(run: cluster.runID, port: cluster.appPort)
            return ("Preview started", session)
        }
        if !session.isReady { terminal.line("  not ready yet: \(session.detail ?? "no reason given")") }
        let authority = PageFetcher.authority(of: session.previewURL)
        try await terminal.step("fetching the page through Envoy") {
            let page = try await cluster.pages.fetch(authority)
            return ("GET / through Envoy: status \(page.status), \(page.body.count) bytes", ())
        }
        terminal.line(summary(of: cluster, session))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await keepAlive(session, cluster, terminal) }
            group.addTask { await report(on: cluster, terminal) }
            group.addTask { await requestAsAgent(cluster, terminal) }
            try await group.waitForAll()
        }
    }

    /// Sends keepalives as the front end does.
    private static func keepAlive(
        _ session: ServiceClient.Session,
        _ cluster: RunningCluster,
        _ terminal: Terminal
    ) async throws {
        while true {
            try await Task.sleep(for: keepaliveInterval)
            do {
                guard try await cluster.service.keepAlive(session) != nil else {
                    terminal.line("The preview has ended. Start another one with the POST above.")
                    return
                }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                terminal.line("The preview could not be kept alive: \(error)")
            }
        }
    }

    /// Requests a preview as the agent does, and prints how to approve it and the result.
    private static func requestAsAgent(_ cluster: RunningCluster, _ terminal: Terminal) async {
        async let answer = cluster.agent.startAsAgent(run: cluster.runID, port: cluster.appPort)
        let request = try? await poll(every: .milliseconds(50), limit: .seconds(10)) {
            try await cluster.service.pendingRequests(run: cluster.runID).first
        }
        if let request { terminal.line(approvalAdvice(for: request, on: cluster)) }
        do {
            switch try await answer {
            case .started(let session):
                terminal.line("Approved. The agent's preview:  \(session.previewURL)")
            case .refused(let reason):
                terminal.line("The agent's request was refused: \(reason)")
            }
        } catch {
            guard !Task.isCancelled else { return }
            terminal.line("The agent's request failed: \(error)")
        }
    }

    static func approvalAdvice(for request: ServiceClient.PendingRequest, on cluster: RunningCluster) -> String {
        """

        The run's agent requests a preview and waits for your decision:
          \(request.message)
        Approve it within five minutes (to deny it, use tool-denials instead of tool-approvals):
          curl \(ownersHeader(cluster)) -d '{"request_id": "\(request.id)"}' \\
            -H "Content-Type: application/json" http://\(cluster.service.authority)\(ServiceClient.approvals(cluster.runID))
        """
    }

    private static func ownersHeader(_ cluster: RunningCluster) -> String {
        "-H \"Authorization: Bearer $(cat \(cluster.folder.ownerToken))\""
    }

    /// Reports when the app ends.
    private static func report(on cluster: RunningCluster, _ terminal: Terminal) async {
        for await change in cluster.store.changes(of: .pods) where change.action == .modified {
            let (phase, before) = (change.object["status", "phase"], change.previous?["status", "phase"])
            guard phase != before, phase == "Failed" || phase == "Succeeded" else { continue }
            let state = change.object["status", "containerStatuses"]?[0]?["state", "terminated", "message"]?.stringValue
            terminal.line(
                "The app in \(change.object.name) ended: \(state ?? "no reason given"); its output is in \(cluster.appLog)"
            )
        }
    }

    static func summary(of cluster: RunningCluster, _ session: ServiceClient.Session) -> String {
        let api = "http://\(cluster.service.authority)"
        let token = ownersHeader(cluster)
        let kubectl = "kubectl --kubeconfig \(cluster.folder.kubeconfig)"
        let sessions = ServiceClient.sessions(cluster.runID)
        return """

            Open in a browser:  \(session.previewURL)

              API               \(api)  (all other requests are forwarded to the core API's stand-in)
              owner's token     \(cluster.folder.ownerToken)
              service key       \(cluster.folder.apiKey)
              run               \(cluster.runID)
              kubeconfig        \(cluster.folder.kubeconfig)
              logs              \(cluster.folder.logs)/

            Four things to try:
              the run's event stream, with the events of the core API and of this service
                curl -N \(token) \(api)\(ServiceClient.stream(cluster.runID))
              the previews of this run, as the front end sees them
                curl \(token) \(api)\(sessions)
              the routes in the cluster, as they change
                \(kubectl) get httproutes -n \(ClusterObjects.namespace) -l agentweaver.dev/preview=true -w
              stop the preview; then reload the page
                curl -X DELETE \(token) \(api)\(sessions)/\(session.token)

            To start another preview: POST {"target_port": \(cluster.appPort)} to \(sessions)
            Ctrl-C ends everything.
            """
    }
}
