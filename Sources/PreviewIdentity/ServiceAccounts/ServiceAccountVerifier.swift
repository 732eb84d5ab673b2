public import Basics

/// Authenticates workloads of the cluster by the tokens of their ServiceAccounts, issued for this service.
public struct ServiceAccountVerifier: CredentialVerifier {
    /// The audience that a token must be issued for.
    public static let audience = "preview-gateway"
    /// How long a result of the API server is cached: a deleted ServiceAccount is accepted for as long.
    public static let lifetime = Duration.seconds(30)
    /// The largest number of cached results.
    public static let maxCachedReviews = 1024
    /// The largest number of concurrent reviews. Anyone can forge tokens that need one, and the API server has to
    /// answer other requests too.
    public static let maxReviewsInProgress = 8
    /// When to try again beyond that.
    public static let retryAfter = Duration.seconds(1)

    private let callers: [String: Caller]
    private let reviews: any TokenReviews
    private let cache: ExpiringCache<BearerDigest, String?>
    private let inProgress = ConcurrencyLimit(maxReviewsInProgress)

    private struct AudienceClaim: Decodable {
        let aud: AudienceList
    }

    /// - Parameters:
    ///   - service: The accounts that act for the runs' agents.
    ///   - serviceUser: The identity of these accounts.
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
        cache = ExpiringCache(maxEntries: Self.maxCachedReviews, uptime: uptime)
    }

    public func verify(_ bearer: Secret) async throws(AccessDenied) -> VerificationResult {
        // A token that is not meant for this service is not sent to the API server.
        guard let audiences = JSONWebToken(bearer.value)?.claims(AudienceClaim.self)?.aud.values,
            audiences.contains(Self.audience)
        else { return .notRecognized }
        guard let userName = try await userName(of: bearer), let caller = callers[userName] else { return .rejected }
        return .accepted(caller)
    }

    private func userName(of bearer: Secret) async throws(AccessDenied) -> String? {
        let digest = BearerDigest(bearer)
        if let answer = cache[digest] { return answer }
        guard inProgress.acquire() else {
            throw AccessDenied(
                .unavailable,
                "Too many credentials are being checked right now. Try again shortly.",
                retryAfter: Self.retryAfter
            )
        }
        defer { inProgress.release() }
        let userName = try await reviews.userName(of: bearer, audience: Self.audience)
        cache.insert(userName, for: digest, lifetime: Self.lifetime)
        return userName
    }
}

/// A Kubernetes ServiceAccount, by its user name in the API server.
public struct ServiceAccount: Hashable, Sendable {
    /// `system:serviceaccount:{namespace}:{name}`.
    public let userName: String

    /// - Returns: `nil` for a text of another form.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount",
            Self.isName(parts[2], maxLength: 63, allowingDots: false),
            Self.isName(parts[3], maxLength: 253, allowingDots: true)
        else { return nil }
        userName = String(text)
    }

    /// A name of a Kubernetes object (RFC 1123).
    private static func isName(_ text: some StringProtocol, maxLength: Int, allowingDots: Bool) -> Bool {
        (1...maxLength).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                $0.isLowercaseAlphanumeric || $0 == UInt8(ascii: "-") || (allowingDots && $0 == UInt8(ascii: "."))
            }
    }
}

/// Asks the Kubernetes API server for the user of a token.
public protocol TokenReviews: Sendable {
    /// Reviews a token (`authentication.k8s.io/v1`, TokenReview).
    ///
    /// - Parameter audience: The audience for which the token must have been issued.
    /// - Returns: The user name of the token; `nil` if the token is not valid for this audience.
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` if the API server cannot be reached.
    func userName(of token: Secret, audience: String) async throws(AccessDenied) -> String?
}
