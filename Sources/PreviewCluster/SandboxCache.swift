internal import KubernetesClient
internal import KubernetesModel
internal import PreviewDomain

/// This replica's copy of the claims, Sandboxes and pods of the namespace, kept up to date by
/// ``KubernetesClusterFeed``.
///
/// Of each object it keeps what leads from a run to its pod, and of the pods those that have not ended.
public final class SandboxCache: Sendable {
    private let claims = InformerStore<SandboxClaim>()
    private let sandboxes = InformerStore<ObjectMeta>()
    private let pods = InformerStore<ObjectMeta>()

    /// Makes an empty copy, which answers nothing until it is fed.
    public init() {}

    /// Whether all three collections have arrived and none of their watches is known to be broken.
    var isCurrent: Bool { claims.isCurrent && sandboxes.isCurrent && pods.isCurrent }

    func applyClaims(_ event: InformerEvent<SandboxClaim>) {
        let kept: Set = [ClaimAnnotation.runID, ClaimAnnotation.runOwner]
        claims.apply(event) { claim in
            SandboxClaim(metadata: claim.metadata.reduced(annotations: kept, labels: kept), status: claim.status)
        }
    }

    func applySandboxes(_ event: InformerEvent<PartialObjectMetadata>) {
        sandboxes.apply(event) { $0.metadata.reduced(annotations: [SandboxAnnotation.podName], labels: []) }
    }

    func applyPods(_ event: InformerEvent<PartialObjectMetadata>) {
        let kept: Set = [ClusterLabel.claimUID, ClusterLabel.sandboxNameHash]
        pods.apply(event) { $0.metadata.reduced(annotations: [], labels: kept) }
    }
}

extension SandboxCache: SandboxSource {
    func claim(_ name: String) -> SandboxClaim? { claims.value(named: name) }
    func sandbox(_ name: String) -> ObjectMeta? { sandboxes.value(named: name) }
    func pod(_ name: String) -> ObjectMeta? { pods.value(named: name) }
}

extension ObjectMeta {
    /// Without what nobody asks the copy for: annotations alone may be 256 KiB an object.
    fileprivate func reduced(annotations kept: Set<String>, labels keptLabels: Set<String>) -> ObjectMeta {
        var reduced = self
        reduced.annotations = annotations.filter { kept.contains($0.key) }
        reduced.labels = labels.filter { keptLabels.contains($0.key) }
        reduced.finalizers = []
        return reduced
    }
}
