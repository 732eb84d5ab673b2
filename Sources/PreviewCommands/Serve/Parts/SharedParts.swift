internal import CoreAPI
internal import CurlHTTP
internal import KubernetesClient
internal import Logging
internal import PreviewCluster
internal import PreviewControl
internal import PreviewIdentity
internal import PrometheusMetrics

/// What the other parts of the service are made from.
struct SharedParts: Sendable {
    let settings: Settings
    let logger: Logger
    let time = MonotonicTime(ContinuousClock())
    let metrics = PrometheusRegistry(
        help: Dictionary(uniqueKeysWithValues: PreviewMetric.allCases.map { ($0.rawValue, $0.help) })
    )
    let cluster: ClusterConnection
    /// This replica's copy of what leads from a run to its pod.
    let sandboxes = SandboxCache()
    /// Reaches all but the API server: the previews' own addresses, the core API, the issuer of access tokens.
    let transport: CurlTransport
    /// The platform's core API, where there is one.
    let coreAPI: CoreAPIClient?
    /// The service key that is valid whenever it is asked for, where there is one.
    let serviceKey: (@Sendable () -> ServiceKey)?

    /// - Parameter configuration: Says where the cluster is.
    /// - Throws: A ``SettingsError`` when the cluster's configuration cannot be used.
    init(_ settings: Settings, cluster configuration: () throws -> ClusterConfiguration, logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        cluster = try ClusterConnection(
            settings.cluster,
            to: configuration,
            metrics: metrics,
            refusals: ClusterRefusals(metrics, time: time, logger: logger)
        )
        let transport = try CurlTransport()
        self.transport = transport
        coreAPI = settings.coreAPI.map {
            CoreAPIClient(base: $0, transport: transport, remainingTime: { AnswerDeadline.remaining })
        }
        serviceKey = settings.identity.serviceKey.map { [uptime = time.uptime] source in
            Self.key(of: source, uptime, logger: logger)
        }
    }

    private static func key(
        of source: IdentitySettings.ServiceKeySource,
        _ uptime: @escaping @Sendable () -> Duration,
        logger: Logger
    ) -> @Sendable () -> ServiceKey {
        switch source {
        case .text(let key): return { key }
        case .file(let path, let key):
            let file = ServiceKeyFile(path: path, key: key, uptime: uptime, logger: logger)
            return { file.key }
        }
    }
}
