public import KubernetesClient
internal import KubernetesModel
internal import PreviewControl
public import PreviewDomain
public import PreviewIdentity

/// Reads a run's owner from what the platform wrote on the run's SandboxClaim.
///
/// The copy is asked first, and the cluster where the copy does not know an owner: nobody is refused because the copy is
/// behind.
public struct KubernetesRunOwners: RunOwners {
    private let client: KubernetesClient
    private let namespace: String
    private let cache: SandboxCache

    /// - Parameter cache: This replica's copy, which the feed keeps up to date.
    public init(client: KubernetesClient, namespace: String, cache: SandboxCache) {
        self.client = client
        self.namespace = namespace
        self.cache = cache
    }

    public func owner(of run: RunID) async throws(AccessDenied) -> String? {
        if let known = owner(of: run, in: cache.claim(run.claimName)?.metadata) { return known }
        let claim = try await AccessDenied.asking {
            try await ClusterError.askingForOne {
                try await client.getMetadata(of: SandboxClaim.self, named: run.claimName, in: namespace).metadata
            }
        }
        return owner(of: run, in: claim)
    }

    private func owner(of run: RunID, in claim: ObjectMeta?) -> String? {
        guard let claim, claim.claimProof(of: run) == .proven else { return nil }
        return claim.runOwner
    }
}
