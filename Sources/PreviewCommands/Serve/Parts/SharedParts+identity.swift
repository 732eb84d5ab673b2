internal import FoundationEssentials
internal import KubernetesClient
internal import OpenSSLKit
internal import PreviewCluster
internal import PreviewControl
internal import PreviewIdentity

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
