import CurlHTTP
import FoundationEssentials
import Logging
import Synchronization

/// Everything that `up` and `demo` run: an API server, a sandbox, Envoy as the gateway, and the service beside them as
/// the process that production runs.
struct DevelopmentCluster: Sendable {
    static let namespace = "agentweaver"
    static let gatewayName = "agentweaver-preview-gateway"
    static let gatewayClass = "approuting-istio"
    static let zone = "localhost"

    /// What the sandbox runs.
    let template: SandboxTemplate
    /// The port of Envoy on 127.0.0.1.
    let gatewayPort: Int
    /// The port of the service on 127.0.0.1.
    let servicePort: Int
    /// Where files, logs and the kubeconfig go.
    let folder: String
    let programs: Programs
    /// Settings of the service beside those that the cluster itself demands.
    let settings: [String: String]
    let report: @Sendable (String) -> Void

    /// A development cluster that runs.
    struct Running: Sendable {
        let store: ObjectStore
        let requests: RequestLog
        let service: ServiceClient
        let runID: String
        let kubeconfig: String
        let sandboxLog: String
        let serviceLog: String
        let podAddress: String
        /// From starting the service's process to its first positive answer about its readiness.
        let readyAfter: Duration
        let serviceProcessID: Int32
    }

    private static let sandboxLimit = Duration.seconds(30)
    private static let serviceLimit = Duration.seconds(30)
    private static let pollInterval = Duration.milliseconds(5)

    /// Starts everything, runs `body`, and ends everything.
    ///
    /// - Throws: What `body` threw, or a ``DevClusterFailure`` when a part cannot be started or ends too early.
    func run(_ body: @escaping @Sendable (Running) async throws -> Void) async throws {
        try await Watchdog.watch(executable: programs.devCluster) { watchdog in
            try await run(ChildProcess(watchdog: watchdog), body)
        }
    }

    private func run(
        _ processes: ChildProcess, _ body: @escaping @Sendable (Running) async throws -> Void
    ) async throws {
        var logger = Logger(label: "devcluster")
        logger.logLevel = .warning
        let server = try APIServer()
        try await withBackground("the API server", { try await server.run() }) { [logger] in
            let kubeconfig = "\(folder)/kubeconfig"
            try PrivateFile.write(
                try await server.kubeconfig(namespace: Self.namespace).utf8, to: kubeconfig
            )
            report("API server: \(try await server.address()) (kubectl --kubeconfig \(kubeconfig))")
            let runID = UUID().uuidString.lowercased()
            try createObjects(in: server.store, runID: runID)
            let kubelet = Kubelet(
                store: server.store, template: template, processes: processes, logFolder: folder,
                addresses: PodAddresses(seed: Int(servicePort)), logger: logger
            )
            let sandboxes = SandboxController(
                store: server.store, namespace: Self.namespace, template: template, kubelet: kubelet
            )
            try await withBackground("the sandbox controller", { try await sandboxes.run() }) {
                let pod = try await waitForSandbox(in: server.store, runID: runID, kubelet: kubelet)
                report("Sandbox: \(template.command.joined(separator: " ")) at \(pod.address):\(template.port)")
                try await withGateway(server.store, processes, logger) {
                    try await withService(
                        processes, kubeconfig: kubeconfig, server: server, runID: runID, pod: pod, body
                    )
                }
            }
        }
    }

    // MARK: Objects

    private func createObjects(in store: ObjectStore, runID: String) throws {
        try store.create(.namespaces, namespace: nil, ["metadata": ["name": .string(Self.namespace)]])
        try store.create(
            .gatewayClasses, namespace: nil,
            [
                "metadata": ["name": .string(Self.gatewayClass)],
                "spec": ["controllerName": .string(GatewayController.controllerName)],
            ]
        )
        try store.create(
            .gateways, namespace: Self.namespace,
            [
                "metadata": ["name": .string(Self.gatewayName)],
                "spec": [
                    "gatewayClassName": .string(Self.gatewayClass),
                    "listeners": [
                        [
                            "name": "http", "protocol": "HTTP", "port": .int(Int64(gatewayPort)),
                            "hostname": .string("*.\(Self.zone)"),
                            "allowedRoutes": ["namespaces": ["from": "Same"]],
                        ]
                    ],
                ],
            ]
        )
        try store.create(
            .sandboxClaims, namespace: Self.namespace,
            [
                "metadata": [
                    "name": .string(Self.claimName(runID)),
                    "annotations": [
                        "agentweaver.dev/run-id": .string(runID), "agentweaver.dev/run-owner": "developer",
                    ],
                ],
                "spec": ["sandboxTemplateRef": ["name": "process"]],
            ]
        )
    }

    private static func claimName(_ runID: String) -> String {
        "agent-" + runID.filter { $0 != "-" }.prefix(12)
    }

    // MARK: Waiting

    private struct SandboxPod: Sendable {
        let address: String
        let logFile: String
    }

    /// Waits until the claim is Ready and the app listens.
    private func waitForSandbox(in store: ObjectStore, runID: String, kubelet: Kubelet) async throws -> SandboxPod {
        let name = Self.claimName(runID)
        let log = kubelet.logFile(ofPod: name)
        let address = try await poll(every: Self.pollInterval, limit: Self.sandboxLimit) { () -> String? in
            let pod = store.get(.pods, namespace: Self.namespace, name: name)
            if let phase = pod?["status", "phase"]?.stringValue, phase == "Failed" || phase == "Succeeded" {
                throw DevClusterFailure("the app ended before it listened; its output is in \(log)")
            }
            guard store.get(.sandboxClaims, namespace: Self.namespace, name: name)?.hasCondition("Ready") == true,
                let address = pod?["status", "podIP"]?.stringValue,
                Sockets.accepts(address: address, port: template.port)
            else { return nil }
            return address
        }
        guard let address else {
            let hint =
                Sockets.accepts(address: "127.0.0.1", port: template.port)
                ? "it listens on 127.0.0.1 alone, which nothing outside a pod can reach: let it listen on 0.0.0.0 or on $HOST"
                : "it does not listen on port \(template.port)"
            throw DevClusterFailure("the app cannot be previewed: \(hint); its output is in \(log)")
        }
        return SandboxPod(address: address, logFile: log)
    }

    private func withGateway(
        _ store: ObjectStore, _ processes: ChildProcess, _ logger: Logger,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        guard let adminPort = Sockets.freePort(address: "127.0.0.1") else {
            throw DevClusterFailure("no port is free on 127.0.0.1")
        }
        let transport = try CurlTransport()
        let proxy = EnvoyProxy(folder: folder, port: gatewayPort, adminPort: adminPort, transport: transport)
        try await proxy.prepare()
        let log = "\(folder)/envoy.log"
        let command = proxy.command(executable: programs.envoy, logFile: log)
        try await withBackground(
            "Envoy (see \(log))", { _ = try await processes.run(command) }
        ) {
            try await proxy.waitUntilServing()
            report("Gateway: Envoy on http://*.\(Self.zone):\(gatewayPort)")
            let controller = GatewayController(
                store: store, className: Self.gatewayClass, proxy: proxy, logger: logger
            )
            try await withBackground("the gateway controller", { try await controller.run() }, body: body)
        }
        await transport.shutdown()
    }

    // MARK: Service

    private func withService(
        _ processes: ChildProcess, kubeconfig: String, server: APIServer, runID: String, pod: SandboxPod,
        _ body: @escaping @Sendable (Running) async throws -> Void
    ) async throws {
        let key = Self.newKey()
        let log = "\(folder)/preview-gateway.log"
        var environment: [String: String?] = settings.mapValues { $0 }
        environment.merge(
            [
                "KUBECONFIG": kubeconfig,
                "Sandbox__Preview__ZoneSuffix": Self.zone,
                "Sandbox__Preview__UrlScheme": "http",
                "Sandbox__Preview__UrlPort": String(gatewayPort),
                "Auth__ApiKey": key,
                "Server__Listen": "127.0.0.1:\(servicePort)",
            ]
        ) { _, ours in ours }
        let command = ProcessCommand(
            executable: programs.previewGateway, arguments: ["serve"], environment: environment, logFile: log
        )
        let processID = Mutex<Int32>(0)
        let service = try ServiceClient(port: servicePort, key: key)
        let began = ContinuousClock.now
        try await withBackground(
            "preview-gateway (see \(log))",
            { _ = try await processes.run(command) { id in processID.withLock { $0 = id } } }
        ) {
            let ready = try await poll(every: .milliseconds(2), limit: Self.serviceLimit) {
                await service.isReady() ? true : nil
            }
            guard ready == true else { throw DevClusterFailure("preview-gateway does not become ready; see \(log)") }
            let readyAfter = ContinuousClock.now - began
            report("Service: http://127.0.0.1:\(servicePort)")
            try await body(
                Running(
                    store: server.store, requests: server.requestLog, service: service, runID: runID,
                    kubeconfig: kubeconfig, sandboxLog: pod.logFile, serviceLog: log, podAddress: pod.address,
                    readyAfter: readyAfter, serviceProcessID: processID.withLock { $0 }
                )
            )
        }
        await service.shutdown()
    }

    /// A service key for this one cluster.
    private static func newKey() -> String {
        (UUID().uuidString + UUID().uuidString).filter { $0 != "-" }.lowercased()
    }
}
