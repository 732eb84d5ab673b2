internal import Basics
internal import CoreAPI
internal import CurlHTTP
internal import FoundationEssentials
internal import KubernetesClient
internal import Logging
internal import OpenSSLKit
internal import PreviewCluster
internal import PreviewControl
internal import PreviewDomain
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
        let platform = try CurlTransport(configuration: .platform)
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

extension CurlConfiguration {
    /// The most connections to the core API and to the issuer of access tokens. Further requests wait for one of them.
    private static let maxPlatformConnections = 32

    /// For the core API and for the issuer of access tokens. A read may use all of its time without being sent again; a
    /// connection on which one has timed out is not used for much longer.
    static let platform = CurlConfiguration(
        maxSilence: max(CoreAPIClient.readTimeout, RemoteKeySet.timeout) + .seconds(1),
        maxConnections: maxPlatformConnections
    )
}

extension SharedParts {
    /// Puts the ways of telling who a caller is in order: the cheapest first.
    func authenticator() throws -> Authenticator {
        let identity = settings.identity
        var verifiers: [any CredentialVerifier] = []
        if let serviceKey { verifiers.append(ServiceKeyVerifier(user: identity.serviceUser, key: serviceKey)) }
        if let tokens = identity.accessTokens {
            verifiers.append(
                AccessTokenVerifier(
                    issuer: tokens.issuer,
                    audience: tokens.audience,
                    keys: try keys(of: tokens),
                    now: { Date() }
                )
            )
        }
        if let accounts = identity.serviceAccounts {
            verifiers.append(
                ServiceAccountVerifier(
                    service: accounts.service,
                    serviceUser: identity.serviceUser,
                    operators: accounts.operators,
                    reviews: KubernetesTokenReviews(client: cluster.client),
                    uptime: time.uptime
                )
            )
        }
        if coreAPI != nil { verifiers.append(UnverifiedBearers()) }
        return Authenticator(verifiers)
    }

    /// Says whose a run is: the core API where there is one, else what the platform wrote in the cluster.
    func access() -> RunAccess {
        if let coreAuthority { return RunAccess(coreAuthority) }
        let owners = KubernetesRunOwners(
            client: cluster.client,
            namespace: settings.cluster.namespace,
            mirror: mirror
        )
        return RunAccess(ClaimAuthority(owners: owners, uptime: time.uptime))
    }

    /// What else is known about runs; `nil` without a core API.
    func runFacts() -> CoreAPIRunFacts? {
        guard let coreAPI, let coreAuthority else { return nil }
        return CoreAPIRunFacts(
            runs: CoreRuns(authority: coreAuthority, client: coreAPI, key: serviceKey, uptime: time.uptime)
        )
    }

    private func keys(of tokens: IdentitySettings.AccessTokens) throws -> any VerificationKeySource {
        switch tokens.keys {
        case .url(let url):
            return RemoteKeySet(url: url, transport: platform, uptime: time.uptime, logger: logger)
        case .pem(let pem, let path):
            do {
                return SingleVerificationKey(try PublicKey(pem: pem))
            } catch {
                let key = IdentitySettings.Keys.signingKeyFile.key
                throw SettingsError("\(key) is '\(path)': \(error)")
            }
        }
    }
}

/// What the core API says about a run, as the gate needs it.
struct CoreAPIRunFacts: RunFactsSource {
    let runs: CoreRuns

    func facts(of run: RunID) async -> RunFacts? {
        guard let known = await runs.run(run) else { return nil }
        return RunFacts(
            approvesToolsAutomatically: known.autoApprovesTools,
            parent: known.parentRunID,
            isOver: known.isOver
        )
    }

    func forget(_ run: RunID) { runs.forget(run) }
}
