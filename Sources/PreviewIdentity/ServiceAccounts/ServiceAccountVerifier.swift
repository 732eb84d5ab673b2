public import Basics
public import PreviewDomain

/// Recognises workloads of the cluster by the tokens of their ServiceAccounts, issued for this service.
public struct ServiceAccountVerifier: CredentialVerifier {
    /// The audience that a token must be issued for.
    public static let audience = "preview-gateway"
    /// How long an answer of the API server is relied on: so long may a deleted ServiceAccount still pass.
    public static let lifetime = Duration.seconds(30)
    /// The most answers that are kept.
    public static let maxCachedReviews = 1024
    /// The most reviews that are asked for at once. Anybody can make up tokens that need one, and the API server has to
    /// answer the reaper and everybody else too.
    public static let maxReviewsInProgress = 8
    /// When to come again beyond that.
    public static let retryAfter = Duration.seconds(1)

    private let callers: [String: Caller]
    private let reviews: any TokenReviews
    private let known: ExpiringCache<BearerDigest, String?>
    private let inProgress = ConcurrencyLimit(maxReviewsInProgress)

    private struct AudienceClaim: Decodable {
        let aud: AudienceList
    }

    /// - Parameters:
    ///   - service: The accounts that act for the runs' agents.
    ///   - serviceUser: The identity under which these act.
    ///   - operators: The accounts that may do everything.
    ///   - uptime: The time since some fixed instant.
    public init(
        service: Set<ServiceAccount>,
        serviceUser: String,
        operators: Set<ServiceAccount>,
        reviews: any TokenReviews,
        uptime: @escaping @Sendable () -> Duration
    ) {
        var callers: [String: Caller] = [:]
        for account in operators {
            callers[account.userName] = Caller(identity: account.userName, role: .operator)
        }
        for account in service {
            callers[account.userName] = Caller(identity: serviceUser, role: .service)
        }
        self.callers = callers
        self.reviews = reviews
        known = ExpiringCache(maxEntries: Self.maxCachedReviews, uptime: uptime)
    }

    public func verify(_ bearer: Secret) async throws(AccessDenied) -> CredentialVerdict {
        // A token that does not even say that it is meant for this service is none of the API server's business.
        guard let audiences = JSONWebToken(bearer.value)?.claims(AudienceClaim.self)?.aud.values,
            audiences.contains(Self.audience)
        else { return .notRecognized }
        guard let userName = try await userName(of: bearer), let caller = callers[userName] else { return .rejected }
        return .accepted(caller)
    }

    private func userName(of bearer: Secret) async throws(AccessDenied) -> String? {
        let digest = BearerDigest(bearer)
        if let answer = known[digest] { return answer }
        guard inProgress.enter() else {
            throw AccessDenied(
                .unavailable,
                "Too many credentials are being checked right now. Try again shortly.",
                retryAfter: Self.retryAfter
            )
        }
        defer { inProgress.leave() }
        let userName = try await reviews.userName(of: bearer, audience: Self.audience)
        known.insert(userName, for: digest, lifetime: Self.lifetime)
        return userName
    }
}
