/// Shorthands for `metadata`, which every Kubernetes object has.
extension JSONValue {
    /// `metadata.name`, or an empty text.
    package var name: String { self["metadata", "name"]?.stringValue ?? "" }

    /// `metadata.namespace`; `nil` for objects of the whole cluster.
    package var namespace: String? { self["metadata", "namespace"]?.stringValue }

    /// `metadata.uid`, or an empty text.
    package var uid: String { self["metadata", "uid"]?.stringValue ?? "" }

    /// `metadata.resourceVersion`, or an empty text.
    package var resourceVersion: String { self["metadata", "resourceVersion"]?.stringValue ?? "" }

    /// `metadata.labels` without those that are no text.
    package var labels: [String: String] {
        self["metadata", "labels"]?.objectValue?.compactMapValues(\.stringValue) ?? [:]
    }

    /// `metadata.annotations` without those that are no text.
    package var annotations: [String: String] {
        self["metadata", "annotations"]?.objectValue?.compactMapValues(\.stringValue) ?? [:]
    }

    /// `metadata.finalizers`.
    package var finalizers: [String] {
        self["metadata", "finalizers"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    /// `metadata.ownerReferences`.
    package var ownerReferences: [JSONValue] { self["metadata", "ownerReferences"]?.arrayValue ?? [] }

    /// True once `metadata.deletionTimestamp` is set.
    package var isTerminating: Bool { self["metadata", "deletionTimestamp"]?.stringValue != nil }
}
