import CurlHTTP
import FoundationEssentials
import HTTPTransport
import Logging

/// Starts the parts of a development cluster, each within the previous one, and stops them in reverse order.
struct DevelopmentCluster: Sendable {
    private static let programmedLimit: Duration = .seconds(10)
    private static let readyLimit: Duration = .seconds(20)
    private static let readyPollInterval: Duration = .milliseconds(5)

    let executables: Executables
    let folder: StateFolder
    let template: SandboxTemplate
    let envoyPort: Int
    let apiPort: Int
    /// Settings of preview-gateway in addition to those of every development cluster.
    let settings: [String: String]
    let terminal: Terminal
    /// The access rules for preview-gateway; `nil` allows everything.
    private let accessRules: AccessRules?
    private let adminPort: Int
    private let endedPagePort: Int
    private let logger: Logger
    private let runID = UUID().uuidString.lowercased()

    /// - Parameter command: The sandbox's command; empty for the sample app.
    /// - Throws: ``DevClusterFailure`` if a program is missing or a port is in use.
    init(
        options: ClusterOptions,
        command: [String],
        executables: Executables,
        folder: StateFolder,
        settings: [String: String],
        terminal: Terminal
    ) throws {
        self.executables = executables
        self.folder = folder
        self.settings = settings
        self.terminal = terminal
        template = SandboxTemplate(
            command: command.isEmpty ? [executables.cluster, "sample-app"] : command,
            port: options.port
        )
        accessRules = try options.rbac.map { try AccessRules(file: $0) }
        envoyPort = options.envoyPort
        guard Sockets.canListen(address: "127.0.0.1", port: envoyPort) else {
            throw DevClusterFailure("port \(envoyPort) is in use: specify another one with --envoy-port")
        }
        if let port = options.apiPort, !Sockets.canListen(address: "127.0.0.1", port: port) {
            throw DevClusterFailure("port \(port) is in use: specify another one with --api-port")
        }
        guard let apiPort = options.apiPort ?? Sockets.freePort(address: "127.0.0.1"),
            let adminPort = Sockets.freePort(address: "127.0.0.1"),
            let endedPagePort = Sockets.freePort(address: "127.0.0.1")
        else { throw DevClusterFailure("there is no free port on 127.0.0.1") }
        self.apiPort = apiPort
        self.adminPort = adminPort
        self.endedPagePort = endedPagePort
        var logger = Logger(label: "devcluster")
        logger.logLevel = .warning
        self.logger = logger
    }

    /// Runs `body` in a running cluster.
    ///
    /// - Throws: ``DevClusterFailure`` if a part does not start or ends too early, or the error of `body`. All parts have ended
    ///   by then.
    func run<Result: Sendable>(_ body: @escaping @Sendable (RunningCluster) async throws -> Result) async throws
        -> Result
    {
        let transport = try CurlTransport()
        do {
            let result = try await Watchdog.watch(executable: executables.cluster) { watchdog in
                try await withAPIServer(ChildProcess(watchdog: watchdog), transport, body)
            }
            await transport.shutdown()
            return result
        } catch {
            await transport.shutdown()
            throw error
        }
    }

    private func withAPIServer<Result: Sendable>(
        _ processes: ChildProcess,
        _ transport: any HTTPTransport,
        _ body: @escaping @Sendable (RunningCluster) async throws -> Result
    ) async throws -> Result {
        let store = ObjectStore()
        let administrator = APIServer.Configuration.newAdministrator()
        let service = APIUser(
            name: RunningCluster.serviceUser,
            groups: accessRules == nil ? [APIUser.administrators] : [],
            token: APIServer.Configuration.newAdministrator().token
        )
        var configuration = APIServer.Configuration(users: [administrator, service])
        if accessRules != nil { configuration.authorizationMode = .rbac }
        let server = try APIServer(configuration: configuration, store: store)
        return try await withBackground("the API server") {
            try await server.run()
        } body: {
            try await terminal.step("the API server starts") {
                let namespace = ClusterObjects.namespace
                let kubeconfig = try await server.kubeconfig(namespace: namespace)
                try PrivateFile.write(kubeconfig.utf8, to: folder.kubeconfig)
                let serviceKubeconfig = try await server.kubeconfig(for: service, namespace: namespace)
                try PrivateFile.write(serviceKubeconfig.utf8, to: folder.serviceKubeconfig)
                try ClusterObjects.install(into: store, port: envoyPort)
                try ClusterObjects.installEndedPage(into: store, pagePort: endedPagePort)
                try accessRules?.install(into: store)
                return ("API server at \(try await server.address())", ())
            }
            let deletions = RouteDeletions()
            return try await withBackground("the watch on routes") {
                await deletions.follow(store)
            } body: {
                try await withSandbox(processes, transport, server, deletions, body)
            }
        }
    }

    private func withSandbox<Result: Sendable>(
        _ processes: ChildProcess,
        _ transport: any HTTPTransport,
        _ server: APIServer,
        _ deletions: RouteDeletions,
        _ body: @escaping @Sendable (RunningCluster) async throws -> Result
    ) async throws -> Result {
        let kubelet = Kubelet(
            store: server.store,
            template: template,
            processes: processes,
            logFolder: folder.logs,
            addresses: PodAddresses(seed: Int(ProcessInfo.processInfo.processIdentifier)),
            logger: logger
        )
        let claimName = ClusterObjects.claimName(run: runID)
        let probe = try AppProbe(
            store: server.store,
            podName: claimName,
            port: template.port,
            logFile: kubelet.logFile(ofPod: claimName)
        )
        let sandboxes = SandboxController(
            store: server.store,
            namespace: ClusterObjects.namespace,
            template: template,
            kubelet: kubelet
        )
        return try await withBackground("the sandbox controller") {
            try await sandboxes.run()
        } body: {
            let podAddress = try await terminal.step("waiting for the app to listen at port \(template.port)") {
                try server.store.create(
                    .sandboxClaims,
                    namespace: ClusterObjects.namespace,
                    ClusterObjects.claim(run: runID)
                )
                let address = try await probe.waitUntilListening()
                return ("Sandbox \(claimName), its app listens at \(address):\(template.port)", address)
            }
            return try await withGateway(processes, transport, server.store) {
                try await withService(processes, transport) { processID, readyTime, owner, agent in
                    try await body(
                        RunningCluster(
                            runID: runID,
                            store: server.store,
                            requestLog: server.requestLog,
                            deletions: deletions,
                            folder: folder,
                            service: owner,
                            agent: agent,
                            pages: PageFetcher(transport: transport),
                            podAddress: podAddress,
                            appPort: template.port,
                            appLog: probe.logFile,
                            serviceProcessID: processID,
                            readyTime: readyTime
                        )
                    )
                }
            }
        }
    }

    private func withGateway<Result: Sendable>(
        _ processes: ChildProcess,
        _ transport: any HTTPTransport,
        _ store: ObjectStore,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let proxy = EnvoyProxy(folder: folder.gateway, port: envoyPort, adminPort: adminPort, transport: transport)
        let logFile = "\(folder.logs)/envoy.log"
        try await proxy.prepare()
        return try await withBackground("Envoy") {
            let exit = try await processes.run(proxy.command(executable: executables.envoy, logFile: logFile))
            throw DevClusterFailure("Envoy \(exit); its output is in \(logFile)\n" + StateFolder.tail(of: logFile))
        } body: {
            let controller = GatewayController(
                store: store,
                className: ClusterObjects.gatewayClass,
                proxy: proxy,
                logger: logger
            )
            try await terminal.step("Envoy starts") {
                try await proxy.waitUntilServing()
                return ("Envoy serves previews at http://*.\(ClusterObjects.zone):\(envoyPort)", ())
            }
            return try await withBackground("the gateway controller") {
                try await controller.run()
            } body: {
                try await waitUntilProgrammed(store)
                return try await body()
            }
        }
    }

    private func waitUntilProgrammed(_ store: ObjectStore) async throws {
        let isProgrammed: Bool? = try await poll(every: Self.readyPollInterval, limit: Self.programmedLimit) {
            let gateway = store.get(.gateways, namespace: ClusterObjects.namespace, name: ClusterObjects.gateway)
            return gateway?.hasCondition("Programmed") == true ? true : nil
        }
        guard isProgrammed == true else { throw DevClusterFailure("the Gateway was not programmed into Envoy") }
    }

    private func withService<Result: Sendable>(
        _ processes: ChildProcess,
        _ transport: any HTTPTransport,
        _ body: @escaping @Sendable (Int32, Duration, ServiceClient, ServiceClient) async throws -> Result
    ) async throws -> Result {
        let issuer = TokenIssuer()
        let key = "\(UUID().uuidString)\(UUID().uuidString)".lowercased().filter { $0 != "-" }
        try PrivateFile.write(key.utf8, to: folder.apiKey)
        try PrivateFile.write(issuer.publicKeyPEM.utf8, to: folder.issuerKey)
        try PrivateFile.write(issuer.token(for: ClusterObjects.owner).utf8, to: folder.ownerToken)
        let authority = "127.0.0.1:\(apiPort)"
        let owner = ServiceClient(
            authority: authority,
            bearer: { issuer.token(for: ClusterObjects.owner) },
            transport: transport
        )
        let agent = ServiceClient(authority: authority, bearer: { key }, transport: transport)
        let coreAPI = DevelopmentCoreAPI(issuer: issuer, owner: ClusterObjects.owner, serviceKey: key)
        return try await coreAPI.serve { port in
            let url = "http://127.0.0.1:\(port)"
            terminal.line("✓ Core API stand-in at \(url)")
            let command = serviceCommand(coreAPI: url)
            return try await withProcess(processes, command, owner) { processID, readyTime in
                try await body(processID, readyTime, owner, agent)
            }
        }
    }

    /// Runs preview-gateway while `body` runs.
    ///
    /// - Parameters:
    ///   - owner: The client that checks the readiness.
    ///   - body: Called with the process id, and with the time from the start of the process until it was ready.
    private func withProcess<Result: Sendable>(
        _ processes: ChildProcess,
        _ command: ProcessCommand,
        _ owner: ServiceClient,
        _ body: @escaping @Sendable (Int32, Duration) async throws -> Result
    ) async throws -> Result {
        let clock = ContinuousClock()
        let (starts, started) = AsyncStream<(Int32, ContinuousClock.Instant)>.makeStream(
            bufferingPolicy: .bufferingOldest(1)
        )
        return try await withBackground("preview-gateway") {
            let exit = try await processes.run(command) { processID in started.yield((processID, clock.now)) }
            throw DevClusterFailure(
                "preview-gateway \(exit); its output is in \(command.logFile)\n"
                    + StateFolder.tail(of: command.logFile)
            )
        } body: {
            let (processID, readyTime) = try await terminal.step("preview-gateway starts") {
                guard let (processID, start) = await starts.first(where: { _ in true }) else {
                    throw CancellationError()
                }
                let isReady: Bool? = try await poll(every: Self.readyPollInterval, limit: Self.readyLimit) {
                    await owner.isReady() ? true : nil
                }
                guard isReady == true else {
                    throw DevClusterFailure("preview-gateway is not ready; its output is in \(command.logFile)")
                }
                return ("preview-gateway in front of it at http://127.0.0.1:\(apiPort)", (processID, clock.now - start))
            }
            return try await body(processID, readyTime)
        }
    }

    private func serviceCommand(coreAPI: String) -> ProcessCommand {
        var environment: [String: String?] = [
            "KUBECONFIG": folder.serviceKubeconfig,
            "Auth__ApiKeyFile": folder.apiKey,
            "Auth__OAuth__Issuer": TokenIssuer.name,
            "Auth__OAuth__Audience": TokenIssuer.audience,
            "Auth__OAuth__SigningKeyFile": folder.issuerKey,
            "Server__Listen": "127.0.0.1:\(apiPort)",
            "Server__EndedPageListen": "127.0.0.1:\(endedPagePort)",
            "Agentweaver__ApiBaseUrl": coreAPI,
            "Router__Enabled": "true",
            // No other replica could take the requests that draining waits for.
            "Server__DrainSeconds": "0",
            "Sandbox__Preview__ZoneSuffix": ClusterObjects.zone,
            "Sandbox__Preview__UrlScheme": "http",
            "Sandbox__Preview__UrlPort": String(envoyPort),
            // No preview is older than the service here, and tests with short time-outs should not have to wait.
            "Sandbox__Preview__OutageGraceSeconds": "1",
        ]
        for (name, value) in settings { environment[name] = value }
        return ProcessCommand(
            executable: executables.service,
            arguments: ["serve"],
            environment: environment,
            logFile: "\(folder.logs)/preview-gateway.log"
        )
    }
}
