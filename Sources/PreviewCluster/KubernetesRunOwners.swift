public import Basics
public import KubernetesClient
internal import KubernetesModel
public import PreviewControl
public import PreviewDomain
public import PreviewIdentity

/// Reads a run's owner from the run's SandboxClaim, where the platform wrote it.
///
/// It reads the copy first, and the cluster if the copy does not contain an owner: no request is refused because of a
/// stale copy.
public struct KubernetesRunOwners: RunOwners {
    private let client: KubernetesClient
    private let namespace: String
    private let mirror: ClusterMirror

    /// - Parameter mirror: This replica's copy of the cluster.
    public init(client: KubernetesClient, namespace: String, mirror: ClusterMirror) {
        self.client = client
        self.namespace = namespace
        self.mirror = mirror
    }

    public func owner(of run: RunID) async throws(AccessDenied) -> String? {
        for name in run.claimNames {
            if let claim = mirror.claim(name), claim.record.belongs(to: run), let owner = claim.owner { return owner }
        }
        for name in run.claimNames {
            let claim = try await AccessDenied.mappingClusterErrors {
                try await ClusterError.nilIfMissing {
                    try await client.getMetadata(of: SandboxClaim.self, named: name, in: namespace).metadata
                }
            }
            guard let claim, ClaimRecord(ofAnyClaim: claim)?.belongs(to: run) == true else { continue }
            if let owner = claim.runOwner { return owner }
        }
        return nil
    }
}

/// Token reviews by the API server of the cluster.
public struct KubernetesTokenReviews: TokenReviews {
    private let client: KubernetesClient

    public init(client: KubernetesClient) {
        self.client = client
    }

    public func userName(of token: Secret, audience: String) async throws(AccessDenied) -> String? {
        let request = TokenReview(token: token.value, audiences: [audience])
        let review = try await AccessDenied.mappingClusterErrors { try await client.create(request, in: nil) }
        // A server that does not support audiences returns none, and would accept a token that is meant for another
        // service.
        guard let status = review.status, status.authenticated == true, status.audiences?.contains(audience) == true
        else { return nil }
        return status.user?.username
    }
}

extension AccessDenied {
    /// Runs requests to the cluster; without a response no caller is authenticated.
    static func mappingClusterErrors<Result: Sendable>(
        _ work: () async throws -> Result
    ) async throws(AccessDenied) -> Result {
        do throws(ClusterError) {
            return try await ClusterError.mappingClusterErrors(work)
        } catch {
            guard error.kind != .cancelled else { throw .cancelled }
            throw AccessDenied(
                .unavailable,
                "Your permission cannot be checked at the moment: \(error.detail). \(error.advice)",
                retryAfter: error.isTemporary ? error.retryAfter ?? defaultRetry : error.retryTime
            )
        }
    }

    /// When to try again if the API server does not say.
    private static let defaultRetry = Duration.seconds(2)
}
