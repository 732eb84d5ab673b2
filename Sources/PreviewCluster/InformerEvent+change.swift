internal import KubernetesClient
internal import PreviewControl

extension InformerEvent {
    /// What the event means for one collection of the index.
    ///
    /// - Parameter dropped: What it means that nothing is kept under a name any more.
    /// - Returns: `nil` where it means nothing.
    func change<Value>(
        _ collection: ClusterCollection,
        value: (Object) -> Value,
        replaced: ([Value]) -> ClusterChange,
        applied: (Value) -> ClusterChange,
        deleted: (Value) -> ClusterChange,
        dropped: (String) -> ClusterChange?
    ) -> ClusterChange? {
        switch self {
        case .replaced(let objects): replaced(objects.map(value))
        case .applied(let object): applied(value(object))
        case .deleted(let object): deleted(value(object))
        case .dropped(let name): dropped(name)
        case .interrupted: .interrupted(collection)
        case .resumed: .resumed(collection)
        }
    }
}
