/// A gateway.networking.k8s.io/v1 Gateway. What it does is its controller's; only its metadata are read and written.
public struct Gateway: KubernetesObject, Hashable {
    public static let resource = APIResource(
        group: "gateway.networking.k8s.io",
        versions: ["v1"],
        plural: "gateways",
        kind: "Gateway"
    )

    public var metadata: ObjectMeta

    public init(metadata: ObjectMeta) {
        self.metadata = metadata
    }
}
