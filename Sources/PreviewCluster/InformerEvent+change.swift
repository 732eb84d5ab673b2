internal import KubernetesClient
internal import PreviewControl

extension InformerEvent {
    /// What the event means for one collection of the index.
    func change<Value>(
        _ collection: ClusterCollection,
        value: (Object) -> Value,
        replaced: ([Value]) -> ClusterChange,
        applied: (Value) -> ClusterChange,
        deleted: (Value) -> ClusterChange
    ) -> ClusterChange {
        switch self {
        case .replaced(let objects): replaced(objects.map(value))
        case .applied(let object): applied(value(object))
        case .deleted(let object): deleted(value(object))
        case .interrupted: .interrupted(collection)
        case .resumed: .resumed(collection)
        }
    }
}
