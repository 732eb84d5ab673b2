internal import KubernetesClient
internal import KubernetesModel
internal import PreviewControl

extension InformerEvent where Object: MetadataHolder {
    /// What the event means for one collection of the index, or `nil` when it is about no object of ours.
    func change<Value>(
        _ collection: ClusterCollection,
        make: (ObjectMeta) -> Value?,
        replaced: ([Value]) -> ClusterChange,
        applied: (Value) -> ClusterChange,
        deleted: (Value) -> ClusterChange
    ) -> ClusterChange? {
        switch self {
        case .replaced(let objects): replaced(objects.compactMap { make($0.metadata) })
        case .applied(let object): make(object.metadata).map(applied)
        case .deleted(let object): make(object.metadata).map(deleted)
        case .interrupted: .interrupted(collection)
        case .resumed: .resumed(collection)
        }
    }
}
