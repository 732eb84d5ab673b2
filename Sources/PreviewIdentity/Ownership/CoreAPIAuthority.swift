public import Basics
public import CoreAPI
public import PreviewDomain

/// Judges by what the platform's core API says to the caller's own bearer.
///
/// Where its answer names the run's owner, only the owner may act on the run, and others whom it is shown to may look.
/// Where it names nobody, it shows a run to its owner alone, as the platform does, and whoever sees it may act on it.
public struct CoreAPIAuthority: RunAuthority {
    /// How long an answer is relied on.
    public static let lifetime = Duration.seconds(10)
    /// The most answers that are kept.
    public static let maxCachedAnswers = 4096
    /// When to try again where the core API does not say.
    public static let defaultRetry = Duration.seconds(5)

    private let client: CoreAPIClient
    private let known: ExpiringCache<BearerDigest, Result<CoreRun, AccessDenied>>
    /// The runs that the core API has shown to somebody.
    private let seen: ExpiringCache<RunID, CoreRun>

    /// - Parameter uptime: The time since some fixed instant.
    public init(_ client: CoreAPIClient, uptime: @escaping @Sendable () -> Duration) {
        self.client = client
        known = ExpiringCache(maxEntries: Self.maxCachedAnswers, uptime: uptime)
        seen = ExpiringCache(maxEntries: Self.maxCachedAnswers, uptime: uptime)
    }

    public func relation(of caller: Caller, to run: RunID) async throws(AccessDenied) -> RunRelation {
        // A caller that is known without a bearer is none of the core API's.
        guard let bearer = caller.bearer else { throw Self.foreign }
        guard let owner = try await self.run(run, seenBy: bearer).owner else { return .owner }
        return names(of: caller, by: bearer).contains(owner) ? .owner : .viewer
    }

    /// The names by which a caller may be an owner.
    ///
    /// Who was recognised here has them from a token that was verified here. A bearer that only the core API knows may
    /// be an access token too: the core API has accepted this very text, so what it says of its user is true.
    private func names(of caller: Caller, by bearer: Secret) -> Set<String> {
        guard caller.role == .unverified else { return caller.names }
        return JSONWebToken(bearer.value)?.claims(UserClaims.self)?.names ?? []
    }

    /// The run as the bearer's user sees it; an answer may be as old as ``lifetime``.
    ///
    /// - Throws: ``AccessDenied``, when the core API says that the user may not see it, and when it does not answer.
    public func run(_ run: RunID, seenBy bearer: Secret) async throws(AccessDenied) -> CoreRun {
        let key = BearerDigest(bearer, context: run.text)
        if let answer = known[key] { return try answer.get() }
        return try await read(run, as: bearer, key)
    }

    /// What the core API has shown to somebody within the last ``lifetime``, whoever that was.
    func lastSeen(_ run: RunID) -> CoreRun? { seen[run] }

    /// Lets what was seen of a run count no more, since it was changed.
    func forget(_ run: RunID) { seen.remove(run) }

    /// Reads the run now, as the bearer's user sees it.
    func read(_ run: RunID, as bearer: Secret) async throws(AccessDenied) -> CoreRun {
        try await read(run, as: bearer, BearerDigest(bearer, context: run.text))
    }

    private func read(_ run: RunID, as bearer: Secret, _ key: BearerDigest) async throws(AccessDenied) -> CoreRun {
        let answer: Result<CoreRun, AccessDenied>
        do throws(CoreAPIError) {
            let shown = try await client.run(run, bearer: bearer.value)
            seen.insert(shown, for: run, lifetime: Self.lifetime)
            answer = .success(shown)
        } catch {
            guard error.kind != .cancelled else { throw .cancelled }
            guard let denied = Self.denied(error.kind) else {
                throw AccessDenied(
                    .unavailable,
                    "Whether you may do this cannot be told right now: \(error.message). Try again shortly.",
                    retryAfter: error.retryAfter ?? Self.defaultRetry
                )
            }
            answer = .failure(denied)
        }
        known.insert(answer, for: key, lifetime: Self.lifetime)
        return try answer.get()
    }

    /// What an access token says of its user.
    private struct UserClaims: Decodable {
        private let sub: String
        private let gh_login: String?

        var names: Set<String> { gh_login.map { [sub, $0] } ?? [sub] }
    }

    private static let foreign = AccessDenied(
        .forbidden,
        "This run is not yours. Only its owner and operators may do this."
    )

    /// - Returns: `nil` for what is no decision.
    private static func denied(_ kind: CoreAPIError.Kind) -> AccessDenied? {
        switch kind {
        case .unauthorized: .unauthenticated
        case .forbidden: foreign
        case .notFound: AccessDenied(.runNotFound, "There is no such run.")
        case .noSuchRoute, .rejected, .unavailable, .unintelligible, .cancelled: nil
        }
    }
}
