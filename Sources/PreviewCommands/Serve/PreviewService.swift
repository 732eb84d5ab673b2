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
        let api = PreviewAPI(
            previews: previews,
            authenticator: try await authenticator(client, transport: publicTransport, uptime: time.uptime),
            access: access(client, sandboxes, transport: publicTransport, uptime: time.uptime),
            address: settings.address,
            brake: brake,
            allowedOrigins: settings.allowedOrigins,
            time: time
        )
        let timeKeeper = ClusterTimeKeeper(client: client, time: time)
        try await group(serving: api, background: [reaper, timeKeeper]).run()
        await publicTransport.shutdown()
    }

    private func group(serving api: PreviewAPI, background: [any Service]) -> ServiceGroup {
        let application = Application(
            router: api.router(),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.listen.host, port: settings.listen.port),
                serverName: nil
            ),
            logger: logger
        )
        var configuration = ServiceGroupConfiguration(
            services: (background + [application]).map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = Self.shutdownTimeout
        return ServiceGroup(configuration: configuration)
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
