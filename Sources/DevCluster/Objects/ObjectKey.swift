/// The key of an object among those of its kind: its namespace (empty for cluster-scoped objects) and its name.
///
/// The order is that of kube-apiserver's lists.
package struct ObjectKey: Sendable, Hashable, Comparable {
    package let namespace: String
    package let name: String

    package init(namespace: String?, name: String) {
        self.namespace = namespace ?? ""
        self.name = name
    }

    package static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// A reference to an object of any kind.
struct ObjectReference: Sendable, Hashable {
    let kind: ResourceKind
    let key: ObjectKey
}
