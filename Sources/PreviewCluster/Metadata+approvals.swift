internal import KubernetesModel
internal import PreviewControl
internal import PreviewDomain

extension ClaimRecord {
    /// Reads what a claim says about approvals from its metadata.
    ///
    /// - Returns: nil when the claim is being deleted: nothing is approved on it any more.
    init?(_ metadata: ObjectMeta) {
        guard !metadata.isBeingDeleted else { return nil }
        self.init(ofAnyClaim: metadata)
    }

    /// As ``init(_:)``, also of a claim that is being deleted.
    init?(ofAnyClaim metadata: ObjectMeta) {
        guard let uid = metadata.uid, let version = metadata.resourceVersion else { return nil }
        self.init(
            identity: ClaimIdentity(name: metadata.name, uid: uid),
            writtenRun: metadata.writtenRun,
            resourceVersion: version,
            ledger: ApprovalLedger(annotations: metadata.annotations)
        )
    }
}

extension StandingGrants {
    /// Reads the standing grants for every run; without a Gateway there are none.
    init(gateway: PartialObjectMetadata?) {
        self.init(text: gateway?.metadata.annotations[ApprovalAnnotation.grants])
    }
}
