public import Basics
public import CoreAPI
public import PreviewDomain

/// Decides by the core API's response to the caller's own bearer token.
///
/// If the response names the run's owner, only the owner may act on the run, and other users who can see it may read.
/// If it names no owner, the core API shows a run only to its owner, as the platform does, and every user who sees it
/// may act on it.
public struct CoreAPIAuthority: RunAuthority {
    /// How long a response is cached.
    public static let lifetime = Duration.seconds(10)
    /// The largest number of cached responses.
    public static let maxCachedResponses = 4096
    /// When to try again if the core API does not say.
    public static let defaultRetry = Duration.seconds(5)

    private let client: CoreAPIClient
    private let cache: ExpiringCache<BearerDigest, Result<CoreRun, AccessDenied>>
    /// The runs that the core API has shown to any caller.
    private let seen: ExpiringCache<RunID, CoreRun>

    /// - Parameter uptime: The time since some fixed instant.
    public init(_ client: CoreAPIClient, uptime: @escaping @Sendable () -> Duration) {
        self.client = client
        cache = ExpiringCache(maxEntries: Self.maxCachedResponses, uptime: uptime)
        seen = ExpiringCache(maxEntries: Self.maxCachedResponses, uptime: uptime)
    }

    public func relation(of caller: Caller, to run: RunID) async throws(AccessDenied) -> RunRelation {
        // A caller without a bearer token is not known to the core API.
        guard let bearer = caller.bearer else { throw Self.foreign }
        guard let owner = try await self.run(run, seenBy: bearer).owner else { return .owner }
        return names(of: caller, by: bearer).contains(owner) ? .owner : .viewer
    }

    /// The names of a caller, one of which may be the owner's.
    ///
    /// For a caller that was authenticated here they come from the verified token. A bearer token that only the core
    /// API knows may also be an access token: the core API has accepted exactly this text, so its claims are valid.
    private func names(of caller: Caller, by bearer: Secret) -> Set<String> {
        guard caller.role == .unverified else { return caller.names }
        return JSONWebToken(bearer.value)?.claims(UserClaims.self)?.names ?? []
    }

    /// The run as the user of the bearer token sees it; the response may be as old as ``lifetime``.
    ///
    /// - Throws: ``AccessDenied`` if the core API does not show the run to the user, or does not answer.
    public func run(_ run: RunID, seenBy bearer: Secret) async throws(AccessDenied) -> CoreRun {
        let key = BearerDigest(bearer, context: run.text)
        if let result = cache[key] { return try result.get() }
        return try await read(run, as: bearer, key)
    }

    /// The core API's latest response about the run to any caller, within ``lifetime``.
    func lastSeen(_ run: RunID) -> CoreRun? { seen[run] }

    /// Invalidates the cached information about a run, since it was changed.
    func forget(_ run: RunID) { seen.remove(run) }

    /// Requests the run now, as the user of the bearer token sees it.
    func read(_ run: RunID, as bearer: Secret) async throws(AccessDenied) -> CoreRun {
        try await read(run, as: bearer, BearerDigest(bearer, context: run.text))
    }

    private func read(_ run: RunID, as bearer: Secret, _ key: BearerDigest) async throws(AccessDenied) -> CoreRun {
        let result: Result<CoreRun, AccessDenied>
        do throws(CoreAPIError) {
            let shown = try await client.run(run, bearer: bearer.value)
            seen.insert(shown, for: run, lifetime: Self.lifetime)
            result = .success(shown)
        } catch {
            guard error.kind != .cancelled else { throw .cancelled }
            guard let denied = Self.denied(error.kind) else {
                throw AccessDenied(
                    .unavailable,
                    "Your permission cannot be checked at the moment: \(error.message). Try again shortly.",
                    retryAfter: error.retryAfter ?? Self.defaultRetry
                )
            }
            result = .failure(denied)
        }
        cache.insert(result, for: key, lifetime: Self.lifetime)
        return try result.get()
    }

    /// The claims of an access token about its user.
    private struct UserClaims: Decodable {
        private let sub: String
        private let gh_login: String?

        var names: Set<String> { gh_login.map { [sub, $0] } ?? [sub] }
    }

    private static let foreign = AccessDenied(
        .forbidden,
        "You do not own this run. Only its owner and operators may do this."
    )

    /// - Returns: `nil` for an error that is not a decision.
    private static func denied(_ kind: CoreAPIError.Kind) -> AccessDenied? {
        switch kind {
        case .unauthorized: .unauthenticated
        case .forbidden: foreign
        case .notFound: AccessDenied(.runNotFound, "There is no such run.")
        case .noSuchRoute, .rejected, .unavailable, .unintelligible, .cancelled: nil
        }
    }
}
