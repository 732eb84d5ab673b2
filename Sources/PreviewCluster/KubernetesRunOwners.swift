public import KubernetesClient
internal import KubernetesModel
public import PreviewControl
public import PreviewDomain
public import PreviewIdentity

/// Reads a run's owner from what the platform wrote on the run's SandboxClaim.
///
/// The copy is asked first, and the cluster where the copy does not know an owner: nobody is refused because the copy is
/// behind.
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
            let claim = try await AccessDenied.asking {
                try await ClusterError.askingForOne {
                    try await client.getMetadata(of: SandboxClaim.self, named: name, in: namespace).metadata
                }
            }
            guard let claim, ClaimRecord(ofAnyClaim: claim)?.belongs(to: run) == true else { continue }
            if let owner = claim.runOwner { return owner }
        }
        return nil
    }
}
