public import KubernetesClient
internal import KubernetesModel
public import PreviewControl
public import PreviewDomain

/// Finds a run's pod by following its SandboxClaim, and proves that all three objects belong together.
///
/// The copy is asked first, and the cluster where the copy cannot prove the whole way: nobody is refused on the word of
/// the copy alone.
///
/// That the copy can be behind is safe, because what a preview's Service selects is the claim's UID. A UID is never used
/// again, and agent-sandbox puts it on no pod but the claim's: if the claim was deleted meanwhile, or made anew, or given
/// another pod, the selector matches nothing or what belongs to this claim, and never a pod of another run. Both objects
/// of such a preview are owned by the pod that was found, so they go with it. Where the pod carries no such label, the
/// pod itself is to be labelled, and an old copy could name one that another run has taken over since: then only
/// the cluster's word counts.
public struct KubernetesSandboxDirectory: SandboxDirectory {
    private let cache: SandboxCache
    private let live: LiveSandboxes

    /// - Parameter cache: This replica's copy, which the feed keeps up to date.
    public init(client: KubernetesClient, namespace: String, cache: SandboxCache) {
        self.cache = cache
        live = LiveSandboxes(client: client, namespace: namespace)
    }

    public func sandbox(of run: RunID) async throws -> BoundSandbox {
        if let known = try? await sandbox(of: run, in: cache), case .existing = known.selector { return known }
        return try await sandbox(of: run, in: live)
    }

    public func claim(of run: RunID) async throws -> ClaimIdentity {
        let claim: SandboxClaim
        if let known = try? await provenClaim(of: run, in: cache) {
            claim = known
        } else {
            claim = try await provenClaim(of: run, in: live)
        }
        guard let uid = claim.metadata.uid else { throw Self.missingUID }
        return ClaimIdentity(name: claim.metadata.name, uid: uid)
    }

    private static let missingUID = ClusterError(.rejected, "the API server returned an object without a UID")

    private func sandbox(of run: RunID, in source: some SandboxSource) async throws -> BoundSandbox {
        let claim = try await readyClaim(of: run, in: source)
        let sandbox = try await sandbox(boundTo: claim, in: source)
        let pod = try await pod(of: sandbox, in: source)
        guard let claimUID = claim.metadata.uid, let podUID = pod.uid else { throw Self.missingUID }
        return BoundSandbox(
            claim: ClaimIdentity(name: claim.metadata.name, uid: claimUID),
            owner: claim.metadata.runOwner,
            pod: PodIdentity(name: pod.name, uid: podUID),
            selector: try selector(of: pod, sandbox: sandbox, claim: claim, claimUID: claimUID)
        )
    }

    private func provenClaim(of run: RunID, in source: some SandboxSource) async throws -> SandboxClaim {
        guard let claim = try await source.claim(run.claimName), !claim.metadata.isBeingDeleted else {
            throw noSandbox("This run has no sandbox. Start the run's sandbox first, then ask for the preview again.")
        }
        try prove(claim, isOf: run)
        return claim
    }

    private func readyClaim(of run: RunID, in source: some SandboxSource) async throws -> SandboxClaim {
        let claim = try await provenClaim(of: run, in: source)
        guard claim.status.conditions.isTrue("Ready") else {
            let reason = claim.status.conditions.first(ofType: "Ready")?.reason
            throw noSandbox(
                "The run's sandbox is not ready\(reason.map { " (\($0))" } ?? ""). Wait until it runs, then ask again."
            )
        }
        return claim
    }

    private func prove(_ claim: SandboxClaim, isOf run: RunID) throws {
        switch claim.metadata.claimProof(of: run) {
        case .proven: break
        case .unproven:
            throw noSandbox("The sandbox that this run's name leads to does not say that it belongs to this run.")
        case .ofAnotherRun:
            throw noSandbox("The sandbox that this run's name leads to belongs to another run.")
        }
    }

    private func sandbox(boundTo claim: SandboxClaim, in source: some SandboxSource) async throws -> ObjectMeta {
        guard let name = claim.status.sandbox?.name, !name.isEmpty else {
            throw noSandbox("The run's sandbox is not bound yet. Wait until it runs, then ask again.")
        }
        guard let sandbox = try await source.sandbox(name) else {
            throw noSandbox("The run's sandbox is gone. Start a new one, then ask again.")
        }
        return sandbox
    }

    private func pod(of sandbox: ObjectMeta, in source: some SandboxSource) async throws -> ObjectMeta {
        let name = sandbox.annotations[SandboxAnnotation.podName] ?? sandbox.name
        guard let pod = try await source.pod(name), !pod.isBeingDeleted else {
            throw noSandbox("The run's sandbox pod has ended. Wait until a new one runs, then ask again.")
        }
        return pod
    }

    private func selector(
        of pod: ObjectMeta,
        sandbox: ObjectMeta,
        claim: SandboxClaim,
        claimUID: String
    ) throws -> PodSelector {
        guard let label = pod.labels[ClusterLabel.claimUID] else {
            guard sandbox.isOwned(by: claim.metadata), pod.isOwned(by: sandbox) else {
                throw noSandbox("The pod that the run's sandbox names cannot be proven to be the run's own.")
            }
            return .perRunLabel
        }
        guard label == claimUID else {
            throw noSandbox("The pod that the run's sandbox names is bound to another run.")
        }
        var labels = [ClusterLabel.claimUID: label]
        if let hash = pod.labels[ClusterLabel.sandboxNameHash] { labels[ClusterLabel.sandboxNameHash] = hash }
        return .existing(labels)
    }

    private func noSandbox(_ message: String) -> PreviewError {
        PreviewError(.noSandbox, message)
    }
}

extension ObjectMeta {
    fileprivate func isOwned(by owner: ObjectMeta) -> Bool {
        owner.uid != nil && ownerReferences.contains { $0.uid == owner.uid }
    }
}
