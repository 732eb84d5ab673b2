internal import CoreAPI
internal import CurlHTTP
internal import HTTPTransport
internal import Hummingbird
internal import KubernetesClient
internal import Logging
internal import NIOCore
internal import OpenSSLKit
internal import PreviewCluster
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity
internal import PreviewServer
internal import ServiceLifecycle
internal import UnixSignals

/// All parts of the service, put together.
struct PreviewService {
    let settings: Settings
    let logger: Logger
    /// Where the cluster is.
    var cluster: @Sendable () throws -> ClusterConfiguration = { try .discover() }
    /// The signals upon which it stops.
    var stopSignals: [UnixSignal] = [.sigterm, .sigint]
    /// Called once the API listens.
    var onRunning: @Sendable (any Channel) async -> Void = { _ in }

    /// How long what was begun may go on after a signal to stop: less than the 30 s that Kubernetes allows a pod.
    var shutdownTimeout = Duration.seconds(25)

    /// Serves until a signal arrives, or the service group that this runs in shuts down.
    ///
    /// - Throws: A ``SettingsError`` when the cluster's configuration cannot be used.
    func run() async throws {
        let client = try kubernetesClient()
        let time = MonotonicTime(ContinuousClock())
        let clusterTime = KubernetesClusterTime(client.serverClock)
        let manifests = PreviewManifests(
            namespace: settings.namespace,
            gatewayName: settings.gatewayName,
            gatewayNamespace: settings.gatewayNamespace,
            zone: settings.address.zone
        )
        let objects = KubernetesPreviewObjects(client: client, manifests: manifests)
        let index = PreviewIndex(policy: settings.policy)
        let sandboxes = SandboxCache()
        let brake = Brake(policy: settings.policy, time: time)
        let publicTransport = try CurlTransport()
        let serviceKey = settings.identity.serviceKey.map { key(of: $0, time.uptime) }
        let directory = KubernetesSandboxDirectory(client: client, namespace: settings.namespace, cache: sandboxes)
        let log = KubernetesTimelineLog(client: client, namespace: settings.namespace, logger: logger)
        let coreAPI = settings.coreAPI.map { CoreAPIClient(base: $0, transport: publicTransport) }
        let coreAPIQueue = coreAPIQueue(
            client: coreAPI,
            key: serviceKey,
            clusterTime: clusterTime,
            time: time
        )
        let timeline = TimelineQueue(
            name: "kubernetes",
            sink: log,
            next: coreAPIQueue,
            clusterTime: clusterTime,
            time: time,
            logger: logger
        )
        let chronicle = PreviewChronicle(
            policy: settings.policy,
            clusterTime: clusterTime,
            timeline: timeline,
            time: time
        )
        let previews = Previews(
            policy: settings.policy,
            sandboxes: directory,
            objects: objects,
            clusterTime: clusterTime,
            probe: GatewayProbe(transport: publicTransport, address: settings.address),
            index: index,
            brake: brake,
            timeline: timeline,
            randomBytes: { try CSPRNG.bytes($0) },
            time: time,
            logger: logger
        )
        let reaper = Reaper(
            policy: settings.policy,
            index: index,
            feed: chronicle.listening(
                to: KubernetesClusterFeed(client: client, namespace: settings.namespace, sandboxes: sandboxes)
            ),
            objects: objects,
            clusterTime: clusterTime,
            brake: brake,
            timeline: timeline,
            time: time,
            logger: logger
        )
        let gate = AgentPreviewGate(
            policy: settings.approvals,
            previews: previews,
            store: KubernetesApprovalStore(
                client: client,
                namespace: settings.namespace,
                gatewayName: settings.gatewayName,
                gatewayNamespace: settings.gatewayNamespace
            ),
            index: ApprovalIndex(),
            facts: coreAPI.flatMap { client in serviceKey.map { CoreAPIRunFacts(client: client, key: $0) } },
            timeline: timeline
        )
        let approvalKeeper = ApprovalKeeper(
            gate: gate,
            feed: KubernetesApprovalFeed(
                client: client,
                namespace: settings.namespace,
                gatewayName: settings.gatewayName,
                gatewayNamespace: settings.gatewayNamespace
            )
        )
        let draining = Draining()
        let api = PreviewAPI(
            previews: previews,
            gate: gate,
            authenticator: try await authenticator(
                client,
                key: serviceKey,
                transport: publicTransport,
                uptime: time.uptime
            ),
            access: access(client, sandboxes, coreAPI: coreAPI, uptime: time.uptime),
            address: settings.address,
            brake: brake,
            timeline: TimelineReader(sandboxes: directory, log: log),
            allowedOrigins: settings.server.allowedOrigins,
            time: time,
            forwardDecision: coreAPI.map { forwarder(to: $0) },
            limits: settings.server.requests,
            draining: draining
        )
        let timeKeeper = ClusterTimeKeeper(client: client, time: time)
        let certificate = try certificate()
        let application = api.application(
            address: .hostname(settings.server.listen.host, port: settings.server.listen.port),
            connections: settings.server.connections,
            tls: try certificate?.tlsConfiguration(),
            logger: logger,
            onRunning: onRunning
        )
        // Shut down one after the other, from the last: readiness goes first, then nothing more is accepted and what was
        // begun ends, and only then what that needs; the timeline's queues write down what all the others did.
        let background: [(any Service)?] = [
            certificate, coreAPIQueue, timeline, chronicle, reaper, approvalKeeper, timeKeeper,
        ]
        try await group(background.compactMap(\.self) + [application, draining]).run()
        await publicTransport.shutdown()
    }

    private func group(_ services: [any Service]) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: stopSignals,
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = shutdownTimeout
        return ServiceGroup(configuration: configuration)
    }

    private func certificate() throws -> ServerCertificate? {
        guard let files = settings.server.certificate else { return nil }
        do {
            return try ServerCertificate(
                certificateFile: files.certificateFile,
                privateKeyFile: files.privateKeyFile,
                logger: logger
            )
        } catch {
            throw SettingsError(
                """
                \(ServerSettings.Keys.certificateFile.key) is '\(files.certificateFile)': expected a readable PEM file whose \
                key is in \(ServerSettings.Keys.privateKeyFile.key), '\(files.privateKeyFile)'
                """
            )
        }
    }

    private func kubernetesClient() throws -> KubernetesClient {
        do {
            return try KubernetesClient(configuration: cluster()) { security in
                try CurlTransport(configuration: CurlConfiguration(security))
            }
        } catch let error as KubernetesError {
            throw SettingsError("The cluster's configuration cannot be used: \(error)")
        }
    }
}
