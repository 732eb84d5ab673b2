internal import Basics
internal import FoundationEssentials
internal import KubernetesModel
internal import PreviewControl
internal import PreviewDomain

extension Preview {
    /// Reads a preview from an HTTPRoute's metadata.
    ///
    /// - Returns: `nil` if the object is not a preview.
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
    /// Reads a preview's Service from its metadata.
    ///
    /// - Returns: `nil` if the object does not belong to a preview.
    init?(_ metadata: ObjectMeta) {
        guard let token = previewToken(ofObjectNamed: metadata.name, labels: metadata.labels), let uid = metadata.uid,
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

extension RunClaim {
    /// - Returns: nil for an object without a UID.
    convenience init?(_ claim: SandboxClaim) {
        guard let record = ClaimRecord(ofAnyClaim: claim.metadata) else { return nil }
        let ready = claim.status.conditions.first(ofType: "Ready")
        self.init(
            record,
            owner: claim.metadata.runOwner,
            sandboxName: claim.status.sandbox?.name,
            isReady: ready?.status == .true,
            reason: ready?.reason,
            isBeingDeleted: claim.metadata.isBeingDeleted
        )
    }
}

extension SandboxRecord {
    /// An empty annotation counts as a missing one, as in agent-sandbox.
    ///
    /// - Parameter withOwnership: Whether to keep the proofs of its owner, and of the pods that it owns.
    convenience init(_ sandbox: ObjectMeta, withOwnership: Bool = false) {
        self.init(
            name: sandbox.name,
            podName: sandbox.annotations[SandboxAnnotation.podName].flatMap { $0.isEmpty ? nil : $0 },
            uid: withOwnership ? sandbox.uid : nil,
            owners: withOwnership ? sandbox.ownerReferences.map(\.uid) : []
        )
    }
}

extension PodRecord {
    /// - Parameter withOwnership: Whether to keep the proof of its owner without the claim's label.
    /// - Returns: nil for an object without a UID.
    convenience init?(_ pod: ObjectMeta, withOwnership: Bool = false) {
        guard let identity = PodIdentity(pod) else { return nil }
        self.init(
            identity: identity,
            claimUID: pod.labels[ClusterLabel.claimUID],
            sandboxNameHash: pod.labels[ClusterLabel.sandboxNameHash],
            isBeingDeleted: pod.isBeingDeleted,
            runLabel: pod.labels[PreviewLabel.run].flatMap(RunLabel.init(existing:)),
            labelledAt: pod.annotations[PodAnnotation.labelledAt].flatMap(RFC3339.date),
            provenRun: pod.annotations[PodAnnotation.labelledRun].flatMap(RunLabel.init(existing:)),
            owners: withOwnership ? pod.ownerReferences.map(\.uid) : []
        )
    }
}

extension ObjectMeta {
    /// The run id that the platform wrote on the claim.
    var writtenRun: String? { platformValue(ClaimAnnotation.runID) }

    /// The owner that the platform wrote on the claim.
    var runOwner: String? { platformValue(ClaimAnnotation.runOwner) }

    /// The platform's value for `key`, from an annotation or a label.
    private func platformValue(_ key: String) -> String? {
        annotations[key] ?? labels[key]
    }
}

extension ClaimRecord {
    /// Reads the approvals from a claim's metadata.
    ///
    /// - Returns: nil if the claim is being deleted: it accepts no approvals any more.
    init?(_ metadata: ObjectMeta) {
        guard !metadata.isBeingDeleted else { return nil }
        self.init(ofAnyClaim: metadata)
    }

    /// Same as ``init(_:)``, also for a claim that is being deleted.
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
