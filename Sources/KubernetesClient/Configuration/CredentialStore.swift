import Basics
import FoundationEssentials
import HTTPTransport

/// Returns the current credential, and obtains a new one when it is old or was rejected.
actor CredentialStore {
    /// How long a token read from a file is used before the file is read again.
    static let tokenFileLifetime: Duration = .seconds(60)
    /// Larger token files are refused.
    static let maxTokenBytes = 64 * 1024

    private struct Cached {
        let credential: Credential
        let obtainedAt: Duration
        let expiration: Date?
    }

    private let source: CredentialSource
    private let clientCertificate: ClientCertificate?
    private let runner: ExecPluginRunner
    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration
    private let now: @Sendable () -> Date
    /// Lets one caller at a time obtain a credential; the others get it from the cache.
    private let renewalSlot = RequestSlots(count: 1, maxWaiting: 4096)
    private var cached: Cached?

    /// Makes a store.
    ///
    ///   - configuration: The source of credentials.
    ///   - clock: Measures the age of the content of a file, and the time limits.
    ///   - now: The wall clock, which a plugin's expiry is compared with.
    init(
        configuration: ClusterConfiguration,
        clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Date
    ) {
        source = configuration.credential
        clientCertificate = configuration.clientCertificate
        runner = ExecPluginRunner(clock: clock)
        self.clock = clock
        elapsed = clock.stopwatch()
        self.now = now
    }

    /// The credential for a request.
    ///
    /// - Parameter limit: The time limit, which includes the wait for other callers; `nil` for none but the plugin's.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` if there is none.
    func current(within limit: Duration? = nil) async throws -> Credential {
        if let credential = validCredential { return credential }
        return try await withRenewalSlot(within: limit) {
            if let credential = await self.validCredential { return credential }
            return try await self.renew()
        }
    }

    /// Obtains another credential after the server rejected `rejected` with 401.
    ///
    /// - Parameter limit: As in ``current(within:)``.
    /// - Returns: Whether the current credential now differs from the rejected one, so that a retry makes sense.
    func replace(_ rejected: Credential, within limit: Duration? = nil) async throws -> Bool {
        switch source {
        case .none, .token, .basic:
            return false
        case .tokenFile, .exec:
            return try await withRenewalSlot(within: limit) {
                if let credential = await self.validCredential, credential != rejected { return true }
                return try await self.renew() != rejected
            }
        }
    }

    private func withRenewalSlot<Result: Sendable>(
        within limit: Duration?,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        // Only a plugin takes time.
        guard let limit, case .exec(let plugin) = source else { return try await renewalSlot.withSlot(body) }
        return try await clock.withDeadline(limit) {
            try await self.renewalSlot.withSlot(body)
        } onTimeout: {
            KubernetesError(
                .transport(.timedOut),
                "\(plugin.origin): the exec plugin did not answer within the request's budget"
            )
        }
    }

    private var validCredential: Credential? {
        guard let cached else { return nil }
        if case .tokenFile = source, elapsed() - cached.obtainedAt >= Self.tokenFileLifetime { return nil }
        if let expiration = cached.expiration, now() >= expiration { return nil }
        return cached.credential
    }

    private func renew() async throws -> Credential {
        var credential = Credential(clientCertificate: clientCertificate)
        var expiration: Date?
        switch source {
        case .none:
            break
        case .token(let token):
            credential.authorization = Secret("Bearer \(token.value)")
        case .tokenFile(let path):
            credential.authorization = try readToken(path)
        case .basic(let username, let password):
            let pair = Data("\(username):\(password.value)".utf8).base64EncodedString()
            credential.authorization = Secret("Basic \(pair)")
        case .exec(let plugin):
            let issued = try await runner.run(plugin)
            credential.authorization = issued.token.map { Secret("Bearer \($0.value)") }
            credential.clientCertificate = issued.clientCertificate ?? clientCertificate
            expiration = issued.expiration
        }
        cached = Cached(credential: credential, obtainedAt: elapsed(), expiration: expiration)
        return credential
    }

    /// Reads a token; if the file cannot be read, the last token remains in use, as in client-go.
    private func readToken(_ path: String) throws -> Secret? {
        do {
            let text = try KubernetesError.readingFile(path, maxBytes: Self.maxTokenBytes, field: "token file")
            let token = text.trimmed
            guard !token.isEmpty else {
                throw KubernetesError(.configuration, "the token file \(path) is empty")
            }
            return Secret("Bearer \(token)")
        } catch {
            guard let last = cached?.credential.authorization else { throw error }
            return last
        }
    }
}
