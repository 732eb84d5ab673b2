internal import CoreAPI
internal import CurlHTTP
internal import KubernetesClient
internal import Logging
internal import PreviewCluster
internal import PreviewControl
internal import PreviewIdentity
internal import PrometheusMetrics
internal import Router

/// What the other parts of the service are made from.
struct SharedParts: Sendable {
    let settings: Settings
    let logger: Logger
    let time = MonotonicTime(ContinuousClock())
    let metrics = PrometheusRegistry(
        help: Dictionary(
            uniqueKeysWithValues: PreviewMetric.allCases.map { ($0.rawValue, $0.help) }
                + RouterMetric.allCases.map { ($0.rawValue, $0.help) }
        )
    )
    let cluster: ClusterConnection
    /// This replica's copy of the cluster.
    let mirror: ClusterMirror
    /// Reaches the platform: the core API, the issuer of access tokens.
    let platform: CurlTransport
    /// Reaches the previews' own addresses. It is apart, so that apps which do not answer hold up nobody's authorisation.
    let probes: CurlTransport
    /// The platform's core API, where there is one.
    let coreAPI: CoreAPIClient?
    /// What the core API says of runs to callers' own bearers, where there is one.
    let coreAuthority: CoreAPIAuthority?
    /// What passes requests on to the core API, where that is wanted.
    let router: RouterParts?
    /// The service key that is valid whenever it is asked for, where there is one.
    let serviceKey: (@Sendable () -> ServiceKey)?

    /// The most connections to the core API and to the issuer of access tokens. Further requests wait for one of them.
    private static let maxPlatformConnections = 32
    /// The most probes of previews at once over HTTP/1.1. A start sends one after the other.
    static let maxProbeConnections = 32

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
        mirror = ClusterMirror(policy: cluster.policy)
        let platform = try CurlTransport(configuration: CurlConfiguration(maxConnections: Self.maxPlatformConnections))
        self.platform = platform
        probes = try CurlTransport(configuration: .probing(maxConnections: Self.maxProbeConnections))
        let watch = CoreAPIWatch(uptime: time.uptime, logger: logger)
        coreAPI = settings.coreAPI.map {
            CoreAPIClient(
                base: $0,
                transport: platform,
                remainingTime: { AnswerDeadline.remaining },
                observer: { watch.note(isReachable: $0) }
            )
        }
        coreAuthority = coreAPI.map { [uptime = time.uptime] in CoreAPIAuthority($0, uptime: uptime) }
        router = try RouterParts(settings, watch: watch, metrics: metrics, logger: logger)
        serviceKey = settings.identity.serviceKey.map { [uptime = time.uptime] source in
            Self.key(of: source, uptime, logger: logger)
        }
    }

    /// Ends all connections but the API server's.
    func shutdown() async {
        await platform.shutdown()
        await probes.shutdown()
        await router?.shutdown()
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
