/// A sandbox (agents.x-k8s.io; v1beta1 in agent-sandbox 0.5, v1alpha1 in 0.4, or what a later release
/// serves).
///
/// Only the metadata are read: an annotation names the pod, and the owner is the claim.
public struct Sandbox: KubernetesObject, Hashable {
    public static let resource = APIResource(
        group: "agents.x-k8s.io",
        versions: ["v1beta1", "v1alpha1"],
        plural: "sandboxes",
        kind: "Sandbox",
        neededFields: []
    )

    public var metadata: ObjectMeta

    public init(metadata: ObjectMeta) {
        self.metadata = metadata
    }
}
