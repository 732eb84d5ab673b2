internal import CoreAPI
internal import FoundationEssentials
internal import HTTPTransport
internal import KubernetesClient
internal import PreviewCluster
internal import PreviewIdentity

extension PreviewService {
    /// Puts the ways of telling who a caller is in order: the cheapest first.
    ///
    /// - Parameters:
    ///   - client: Reaches the API server, which knows ServiceAccounts' tokens.
    ///   - key: The service key, where there is one.
    ///   - transport: Reaches the issuer of access tokens.
    func authenticator(
        _ client: KubernetesClient,
        key: (@Sendable () -> ServiceKey)?,
        transport: any HTTPTransport,
        uptime: @escaping @Sendable () -> Duration
    ) async throws -> Authenticator {
        var verifiers: [any CredentialVerifier] = []
        if let key { verifiers.append(ServiceKeyVerifier(user: settings.identity.serviceUser, key: key)) }
        if let tokens = settings.identity.accessTokens {
            verifiers.append(
                AccessTokenVerifier(
                    issuer: tokens.issuer,
                    audience: tokens.audience,
                    keys: try await keys(of: tokens, transport, uptime),
                    now: { Date() }
                )
            )
        }
        if let accounts = settings.identity.serviceAccounts {
            verifiers.append(
                ServiceAccountVerifier(
                    service: accounts.service,
                    serviceUser: settings.identity.serviceUser,
                    operators: accounts.operators,
                    reviews: KubernetesTokenReviews(client: client),
                    uptime: uptime
                )
            )
        }
        if settings.coreAPI != nil { verifiers.append(UnverifiedBearers()) }
        return Authenticator(verifiers)
    }

    /// Says whose a run is: the core API where there is one, else what the platform wrote in the cluster.
    ///
    /// - Parameters:
    ///   - cache: This replica's copy of the runs' claims.
    ///   - coreAPI: The core API, where there is one.
    func access(
        _ client: KubernetesClient,
        _ cache: SandboxCache,
        coreAPI: CoreAPIClient?,
        uptime: @escaping @Sendable () -> Duration
    ) -> RunAccess {
        if let coreAPI { return RunAccess(CoreAPIAuthority(coreAPI, uptime: uptime)) }
        let owners = KubernetesRunOwners(client: client, namespace: settings.namespace, cache: cache)
        return RunAccess(ClaimAuthority(owners: owners, uptime: uptime))
    }

    /// The service key that is valid whenever it is asked for.
    func key(
        of source: IdentitySettings.ServiceKeySource,
        _ uptime: @escaping @Sendable () -> Duration
    ) -> @Sendable () -> ServiceKey {
        switch source {
        case .text(let key): return { key }
        case .file(let path, let key):
            let file = ServiceKeyFile(path: path, key: key, uptime: uptime, logger: logger)
            return { file.key }
        }
    }

    private func keys(
        of tokens: IdentitySettings.AccessTokens,
        _ transport: any HTTPTransport,
        _ uptime: @escaping @Sendable () -> Duration
    ) async throws -> any VerificationKeySource {
        switch tokens.keys {
        case .url(let url):
            return RemoteKeySet(url: url, transport: transport, uptime: uptime, logger: logger)
        case .pem(let pem, let path):
            do {
                return SingleVerificationKey(try await VerificationKey(pem: pem))
            } catch let error as UnusableVerificationKey {
                let key = IdentitySettings.Keys.signingKeyFile.key
                throw SettingsError("\(key) is '\(path)': \(error)")
            }
        }
    }
}
