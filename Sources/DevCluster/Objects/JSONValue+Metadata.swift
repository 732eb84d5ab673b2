/// Accessors for `metadata`, which every Kubernetes object has.
extension JSONValue {
    /// `metadata.name`; empty if it is absent.
    package var name: String { self["metadata", "name"]?.stringValue ?? "" }

    /// `metadata.namespace`; `nil` for cluster-scoped objects.
    package var namespace: String? { self["metadata", "namespace"]?.stringValue }

    /// `metadata.uid`; empty if it is absent.
    package var uid: String { self["metadata", "uid"]?.stringValue ?? "" }

    /// `metadata.resourceVersion`; empty if it is absent.
    package var resourceVersion: String { self["metadata", "resourceVersion"]?.stringValue ?? "" }

    /// `metadata.labels`, without values that are not strings.
    package var labels: [String: String] {
        self["metadata", "labels"]?.objectValue?.compactMapValues(\.stringValue) ?? [:]
    }

    /// `metadata.annotations`, without values that are not strings.
    package var annotations: [String: String] {
        self["metadata", "annotations"]?.objectValue?.compactMapValues(\.stringValue) ?? [:]
    }

    /// `metadata.finalizers`.
    package var finalizers: [String] {
        self["metadata", "finalizers"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    /// `metadata.ownerReferences`.
    package var ownerReferences: [JSONValue] { self["metadata", "ownerReferences"]?.arrayValue ?? [] }

    /// Whether `metadata.deletionTimestamp` is set.
    package var isTerminating: Bool { self["metadata", "deletionTimestamp"]?.stringValue != nil }

    /// Whether a terminating object stays although it has no finalizers: `metadata.deletionGracePeriodSeconds` is not 0.
    var hasGracePeriod: Bool { (self["metadata", "deletionGracePeriodSeconds"]?.intValue ?? 0) != 0 }
}
