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

/// The values and connections that the other parts of the service share.
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
    /// Connects to the platform: the core API and the issuer of access tokens.
    let platform: CurlTransport
    /// Connects to the previews' addresses. It is separate, so that apps that do not respond cannot delay the checks of
    /// callers' access.
    let probes: CurlTransport
    /// The client of the core API; `nil` if none is configured.
    let coreAPI: CoreAPIClient?
    /// Decides access to runs by the core API's answers to the callers' own bearer tokens; `nil` without a core API.
    let coreAuthority: CoreAPIAuthority?
    /// Forwards requests to the core API; `nil` if the router is off.
    let router: CoreRouter?
    /// Returns the service key that is valid at the time of the call, because its file may change; `nil` if no key is
    /// configured.
    let serviceKey: (@Sendable () -> ServiceKey)?

    /// The maximum number of connections for probes. A start sends its probes one after the other.
    static let maxProbeConnections = 32

    /// - Parameter configuration: Loads the address, the trust and the credentials of the API server.
    /// - Throws: A ``SettingsError`` if the cluster's configuration cannot be used.
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
        let reachabilityLog = CoreAPIReachabilityLog(uptime: time.uptime, logger: logger)
        coreAPI = settings.coreAPI.map {
            CoreAPIClient(
                base: $0,
                transport: platform,
                remainingTime: { ResponseDeadline.remaining },
                observer: { reachabilityLog.record(isReachable: $0) }
            )
        }
        coreAuthority = coreAPI.map { [uptime = time.uptime] in CoreAPIAuthority($0, uptime: uptime) }
        if let limits = settings.router, let base = settings.coreAPI {
            router = try CoreRouter(
                to: base,
                limits: limits,
                metrics: metrics,
                logger: logger,
                observer: { reachabilityLog.record(isReachable: $0) }
            )
        } else {
            router = nil
        }
        serviceKey = settings.identity.serviceKey.map { [uptime = time.uptime] source in
            Self.key(of: source, uptime, logger: logger)
        }
    }

    /// Ends all connections except those to the API server.
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
    /// Creates the authenticator. Its verifiers are tried in order, so the cheapest come first.
    ///
    /// - Throws: A ``SettingsError`` if the access tokens' signing key is invalid.
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

    /// Decides who may access a run: by the core API if one is configured, otherwise by the owner on the run's claim.
    func access() -> RunAccess {
        if let coreAuthority { return RunAccess(coreAuthority) }
        let owners = KubernetesRunOwners(
            client: cluster.client,
            namespace: settings.cluster.namespace,
            mirror: mirror
        )
        return RunAccess(ClaimAuthority(owners: owners, uptime: time.uptime))
    }

    /// The core API's facts about runs; `nil` without a core API.
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

/// The core API's facts about a run, for the approval gate.
struct CoreAPIRunFacts: RunFactsSource {
    let runs: CoreRuns

    func facts(of run: RunID) async -> RunFacts? {
        guard let known = await runs.run(run) else { return nil }
        return RunFacts(
            approvesToolsAutomatically: known.autoApprovesTools,
            parent: known.parentRunID,
            hasEnded: known.hasEnded
        )
    }

    func forget(_ run: RunID) { runs.forget(run) }
}
