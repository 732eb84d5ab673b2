internal import Basics
public import CoreAPI
public import PreviewDomain

/// The core API's information about runs, for the gate: whether tools are approved automatically, which run is the
/// parent, and whether the run has ended.
///
/// The core API shows a run to its owner, and not to the service key. So the responses to callers' own bearer tokens
/// are used first, which authorisation requests anyway; then a request with the bearer token of the current task's
/// caller; and only then the service key, unless it was refused.
public struct CoreRuns: Sendable {
    /// How long the service key is not tried again after the core API has refused it.
    public static let refusalLifetime = Duration.seconds(300)
    /// The largest number of stored refusals.
    public static let maxRefusals = 4096

    private let authority: CoreAPIAuthority
    private let client: CoreAPIClient
    private let key: (@Sendable () -> ServiceKey)?
    /// The refusals by key and run, so that another key is tried at once.
    private let refused: ExpiringCache<BearerDigest, Bool>

    /// - Parameters:
    ///   - authority: Requests runs with callers' own bearer tokens, and caches the responses.
    ///   - key: Returns the present service key, if there is one.
    ///   - uptime: The time since some fixed instant.
    public init(
        authority: CoreAPIAuthority,
        client: CoreAPIClient,
        key: (@Sendable () -> ServiceKey)?,
        uptime: @escaping @Sendable () -> Duration
    ) {
        self.authority = authority
        self.client = client
        self.key = key
        refused = ExpiringCache(maxEntries: Self.maxRefusals, uptime: uptime)
    }

    /// The information about a run; `nil` if there is no recent response to a caller, and the service key was refused.
    public func run(_ run: RunID) async -> CoreRun? {
        if let seen = authority.lastSeen(run) { return seen }
        if let bearer = Caller.current?.coreAPIBearer {
            do throws(AccessDenied) {
                return try await authority.read(run, as: bearer)
            } catch {
                // The service key may see runs that a caller may not see.
                guard error.kind == .forbidden || error.kind == .runNotFound else { return nil }
            }
        }
        return await runShownToServiceKey(run)
    }

    /// Invalidates the cached information about a run, since it was changed.
    public func forget(_ run: RunID) { authority.forget(run) }

    private func runShownToServiceKey(_ run: RunID) async -> CoreRun? {
        guard let bearer = key?().bearer else { return nil }
        // An unknown key is refused for every run.
        let (anyRun, thisRun) = (BearerDigest(bearer), BearerDigest(bearer, context: run.text))
        guard refused[anyRun] == nil, refused[thisRun] == nil else { return nil }
        do throws(CoreAPIError) {
            return try await client.run(run, bearer: bearer.value)
        } catch {
            switch error.kind {
            case .unauthorized: refused.insert(true, for: anyRun, lifetime: Self.refusalLifetime)
            case .forbidden: refused.insert(true, for: thisRun, lifetime: Self.refusalLifetime)
            default: break
            }
            return nil
        }
    }
}

extension Caller {
    /// The bearer token with which the core API can be asked on behalf of the caller.
    fileprivate var coreAPIBearer: Secret? {
        switch role {
        case .user, .unverified: bearer
        // The service key is tried separately, and an operator's token is known only to Kubernetes.
        case .service, .operator: nil
        }
    }
}
