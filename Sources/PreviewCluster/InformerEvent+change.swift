internal import KubernetesClient
internal import KubernetesModel
internal import PreviewControl

extension InformerEvent {
    /// What the event means for one collection of the index, or `nil` when it is about no object of ours.
    func change<Object>(
        _ collection: ClusterCollection,
        make: (ObjectMeta) -> Object?,
        replaced: ([Object]) -> ClusterChange,
        applied: (Object) -> ClusterChange,
        deleted: (Object) -> ClusterChange
    ) -> ClusterChange? {
        switch self {
        case .replaced(let objects, _): replaced(objects.compactMap { make($0.metadata) })
        case .applied(let object): make(object.metadata).map(applied)
        case .deleted(let object): make(object.metadata).map(deleted)
        case .bookmark: nil
        case .interrupted: .interrupted(collection)
        case .resumed: .resumed(collection)
        }
    }
}
