internal import CurlHTTP
internal import HTTPTransport
internal import Hummingbird
internal import KubernetesClient
internal import Logging
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

    /// How long what was begun may go on after a signal to stop.
    private static let shutdownTimeout = Duration.seconds(25)

    /// Serves until a signal arrives.
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
        let previews = Previews(
            policy: settings.policy,
            sandboxes: KubernetesSandboxDirectory(
                client: client,
                namespace: settings.namespace,
                cache: sandboxes
            ),
            objects: objects,
            clusterTime: clusterTime,
            probe: GatewayProbe(transport: publicTransport, address: settings.address),
            index: index,
            brake: brake,
            randomBytes: { try CSPRNG.bytes($0) },
            time: time,
            logger: logger
        )
        let reaper = Reaper(
            policy: settings.policy,
            index: index,
            feed: KubernetesClusterFeed(client: client, namespace: settings.namespace, sandboxes: sandboxes),
            objects: objects,
            clusterTime: clusterTime,
            brake: brake,
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
            facts: nil,
            timeline: LoggedTimeline(logger: logger)
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
            authenticator: try await authenticator(transport: publicTransport, uptime: time.uptime),
            access: RunAccess(),
            address: settings.address,
            brake: brake,
            allowedOrigins: settings.server.allowedOrigins,
            time: time,
            limits: settings.server.requests,
            draining: draining
        )
        let timeKeeper = ClusterTimeKeeper(client: client, time: time)
        let certificate = try certificate()
        let application = api.application(
            address: .hostname(settings.server.listen.host, port: settings.server.listen.port),
            connections: settings.server.connections,
            tls: try certificate?.tlsConfiguration(),
            logger: logger
        )
        // Shut down one after the other, from the last: readiness goes first, then nothing more is accepted and what was
        // begun ends, and only then what that needs.
        var services: [any Service] = [reaper, approvalKeeper, timeKeeper, application, draining]
        if let certificate { services.insert(certificate, at: 0) }
        try await group(services).run()
        await publicTransport.shutdown()
    }

    private func group(_ services: [any Service]) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = Self.shutdownTimeout
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
            return try KubernetesClient(configuration: .discover()) { security in
                try CurlTransport(configuration: CurlConfiguration(security))
            }
        } catch let error as KubernetesError {
            throw SettingsError("The cluster's configuration cannot be used: \(error)")
        }
    }
}
