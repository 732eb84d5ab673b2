internal import KubernetesClient
internal import KubernetesModel
internal import PreviewControl

/// This replica's copy of the claims, Sandboxes and pods of the namespace, kept up to date by
/// ``KubernetesClusterFeed``.
///
/// Of each object it keeps what leads from a run to its pod, and of the pods those that have not ended. What it answers
/// is made from that: objects without anything else.
public final class SandboxCache: Sendable {
    private let claims = InformerStore<KnownClaim>()
    private let sandboxes = InformerStore<KnownSandbox>()
    private let pods = InformerStore<KnownPod>()

    /// Makes an empty copy, which answers nothing until it is fed.
    public init() {}

    /// Whether all three collections have arrived and none of their watches is known to be broken.
    var isCurrent: Bool { claims.isCurrent && sandboxes.isCurrent && pods.isCurrent }

    func applyClaims(_ event: InformerEvent<KnownClaim>) {
        claims.apply(event) { ($0.identity.name, $0) }
    }

    func applySandboxes(_ event: InformerEvent<KnownSandbox>) {
        sandboxes.apply(event) { ($0.name, $0) }
    }

    func applyPods(_ event: InformerEvent<KnownPod>) {
        pods.apply(event) { ($0.identity.name, $0) }
    }
}

extension SandboxCache: SandboxSource {
    func claim(_ name: String) -> SandboxClaim? { claims.value(named: name)?.claim }
    func sandbox(_ name: String) -> ObjectMeta? { sandboxes.value(named: name)?.metadata }
    func pod(_ name: String) -> ObjectMeta? { pods.value(named: name)?.metadata }
}
