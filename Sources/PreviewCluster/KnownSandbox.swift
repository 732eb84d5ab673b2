internal import FoundationEssentials
internal import KubernetesModel
internal import PreviewControl
internal import PreviewDomain

// What a replica remembers of the objects that lead from a run to its pod: few bytes, because there are as many of each
// as there are runs, and annotations alone may be 256 KiB an object.

/// What is remembered of a run's claim.
struct KnownClaim: Sendable {
    let identity: ClaimIdentity
    private let run: CompactText?
    private let owner: String?
    private let sandbox: String?
    /// Why it is not ready, in the condition's own word; `nil` also where it is ready.
    private let reason: String?
    private let deletionTimestamp: Date?
    private let readiness: ConditionStatus?

    /// - Returns: `nil` for an object without a UID.
    init?(_ claim: SandboxClaim) {
        guard let identity = ClaimIdentity(claim.metadata) else { return nil }
        let ready = claim.status.conditions.first(ofType: Self.ready)
        self.identity = identity
        run = claim.metadata.writtenRun.map(CompactText.init)
        owner = claim.metadata.runOwner
        let sandbox = claim.status.sandbox?.name
        // Usually it is called like its claim; equal strings then share their characters.
        self.sandbox = sandbox == identity.name ? identity.name : sandbox
        reason = ready?.status == .true ? nil : ready?.reason
        deletionTimestamp = claim.metadata.deletionTimestamp
        readiness = ready?.status
    }

    private static let ready = "Ready"

    /// The claim as far as it is remembered.
    var claim: SandboxClaim {
        var annotations: [String: String] = [:]
        annotations[ClaimAnnotation.runID] = run?.text
        annotations[ClaimAnnotation.runOwner] = owner
        return SandboxClaim(
            metadata: ObjectMeta(
                name: identity.name,
                uid: identity.uid,
                deletionTimestamp: deletionTimestamp,
                annotations: annotations
            ),
            status: SandboxClaim.Status(
                conditions: readiness.map { [Condition(type: Self.ready, status: $0, reason: reason)] }
                    ?? [],
                sandbox: sandbox.map { SandboxClaim.SandboxReference(name: $0) }
            )
        )
    }
}

/// What is remembered of a Sandbox: the name of its pod, where that is another one than its own.
struct KnownSandbox: Sendable {
    let name: String
    private let podName: String?

    init(_ sandbox: ObjectMeta) {
        name = sandbox.name
        let podName = sandbox.annotations[SandboxAnnotation.podName]
        self.podName = podName == sandbox.name ? nil : podName
    }

    /// The Sandbox's metadata as far as they are remembered.
    var metadata: ObjectMeta {
        ObjectMeta(name: name, annotations: podName.map { [SandboxAnnotation.podName: $0] } ?? [:])
    }
}

/// What is remembered of a pod: whose it is by its labels. By owner references alone the copy proves nothing.
struct KnownPod: Sendable {
    let identity: PodIdentity
    private let claimUID: CompactText?
    private let sandboxNameHash: String?
    private let deletionTimestamp: Date?

    /// - Returns: `nil` for an object without a UID.
    init?(_ pod: ObjectMeta) {
        guard let identity = PodIdentity(pod) else { return nil }
        self.identity = identity
        claimUID = pod.labels[ClusterLabel.claimUID].map(CompactText.init)
        sandboxNameHash = pod.labels[ClusterLabel.sandboxNameHash]
        deletionTimestamp = pod.deletionTimestamp
    }

    /// The pod's metadata as far as they are remembered.
    var metadata: ObjectMeta {
        var labels: [String: String] = [:]
        labels[ClusterLabel.claimUID] = claimUID?.text
        labels[ClusterLabel.sandboxNameHash] = sandboxNameHash
        return ObjectMeta(
            name: identity.name,
            uid: identity.uid,
            deletionTimestamp: deletionTimestamp,
            labels: labels
        )
    }
}
