internal import Basics
public import CoreAPI
public import PreviewDomain

/// What the core API says about runs, for the gate: whether the owner lets tools run unasked, which run started it, and
/// whether it is over.
///
/// The core API shows a run to its owner, and not to the service key. So what was shown to a caller by its own bearer counts
/// first, which authorisation asks for anyway; then the caller on whose behalf the task works is asked for; and only then the
/// service key, where it has not been refused.
public struct CoreRuns: Sendable {
    /// How long the service key is not tried again where the core API has refused it.
    public static let refusalLifetime = Duration.seconds(300)
    /// The most refusals that are kept.
    public static let maxRefusals = 4096

    private let authority: CoreAPIAuthority
    private let client: CoreAPIClient
    private let key: (@Sendable () -> ServiceKey)?
    /// What the service key may not see, by the key and the run, so that another key is tried at once.
    private let refused: ExpiringCache<BearerDigest, Bool>

    /// - Parameters:
    ///   - authority: Asks the core API by callers' own bearers, and remembers what it said.
    ///   - key: The service key that is valid whenever it is asked for, where there is one.
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

    /// What is known of a run; `nil` where nobody who may see it has asked lately, and the service key may not.
    public func run(_ run: RunID) async -> CoreRun? {
        if let seen = authority.lastSeen(run) { return seen }
        if let bearer = Caller.current?.bearerOfTheCoreAPI {
            do throws(AccessDenied) {
                return try await authority.read(run, as: bearer)
            } catch {
                // What one caller may not see, the service key may.
                guard error.kind == .forbidden || error.kind == .runNotFound else { return nil }
            }
        }
        return await runShownToServiceKey(run)
    }

    /// Lets what was seen of a run count no more, since it was changed.
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
    /// The bearer by which the core API can be asked on the caller's behalf.
    fileprivate var bearerOfTheCoreAPI: Secret? {
        switch role {
        case .user, .unverified: bearer
        // The service key is tried as such, and an operator's token is Kubernetes' own.
        case .service, .operator: nil
        }
    }
}
