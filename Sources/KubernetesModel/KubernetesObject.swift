/// Whatever holds the metadata of a Kubernetes object: the object, or its metadata alone.
public protocol MetadataHolder: JSONReadable {
    /// Name, labels, annotations and the server's own bookkeeping.
    var metadata: ObjectMeta { get }
}

/// A typed Kubernetes object: what this service reads or writes of one kind.
///
/// Types hold the members that the service uses. They are never sent back in a full update, so members that a type
/// leaves out are not lost: objects are created once and then changed by patches only. `apiVersion` and `kind` are
/// not members, because the version depends on what the cluster offers; the client adds them.
public protocol KubernetesObject: MetadataHolder, Codable {
    /// Where objects of this kind are found.
    static var resource: APIResource { get }
}
