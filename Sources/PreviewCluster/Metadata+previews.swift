internal import KubernetesModel
internal import PreviewControl
internal import PreviewDomain

extension Preview {
    /// Reads a preview back from an HTTPRoute's metadata.
    ///
    /// - Returns: `nil` when the object is not ours.
    init?(_ metadata: ObjectMeta) {
        guard let uid = metadata.uid, let version = metadata.resourceVersion,
            let created = metadata.creationTimestamp
        else { return nil }
        self.init(
            name: metadata.name,
            labels: metadata.labels,
            annotations: metadata.annotations,
            uid: uid,
            resourceVersion: version,
            createdAt: created,
            isBeingDeleted: metadata.isBeingDeleted
        )
    }
}

extension PreviewBackend {
    /// Reads a preview's Service back from its metadata.
    ///
    /// - Returns: `nil` when the object is not ours.
    init?(_ metadata: ObjectMeta) {
        guard let token = isOurs(name: metadata.name, labels: metadata.labels), let uid = metadata.uid,
            let version = metadata.resourceVersion, let created = metadata.creationTimestamp
        else { return nil }
        self.init(
            token: token,
            run: metadata.labels[PreviewLabel.run].flatMap(RunLabel.init(existing:)),
            uid: uid,
            resourceVersion: version,
            createdAt: created,
            isBeingDeleted: metadata.isBeingDeleted
        )
    }
}

extension ClaimIdentity {
    init?(_ metadata: ObjectMeta) {
        guard let uid = metadata.uid else { return nil }
        self.init(name: metadata.name, uid: uid)
    }
}

extension PodIdentity {
    init?(_ metadata: ObjectMeta) {
        guard let uid = metadata.uid else { return nil }
        self.init(name: metadata.name, uid: uid)
    }
}
