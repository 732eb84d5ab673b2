/// Where an object of one kind lies: its namespace, empty for objects of the whole cluster, and its name.
///
/// The order is the one in which kube-apiserver lists.
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

/// An object of any kind.
struct ObjectReference: Sendable, Hashable {
    let kind: ResourceKind
    let key: ObjectKey
}
