public import KubernetesClient
internal import KubernetesModel
public import PreviewControl
public import PreviewDomain

/// Finds a run's pod by following its SandboxClaim, and proves that all three objects belong together.
///
/// It reads the copy first, and the cluster if the copy cannot prove the whole path: no request is refused because of
/// the copy alone.
///
/// A stale copy is safe, because a preview's Service selects the claim's UID. A UID is never used again, and
/// agent-sandbox sets it only on the claim's own pod: if the claim was deleted in the meantime, or created again, or
/// got another pod, the selector matches nothing or a pod of this claim, never a pod of another run. Both objects of
/// such a preview are owned by the pod that was found, so they are deleted with it. If the pod has no such label, the
/// pod itself has to be labelled, and a stale copy could name one that another run has taken over: in this case only a
/// live read counts.
public struct KubernetesSandboxDirectory: SandboxDirectory {
    private let mirror: ClusterMirror
    private let live: LiveSandboxes

    /// - Parameter mirror: This replica's copy of the cluster.
    public init(client: KubernetesClient, namespace: String, mirror: ClusterMirror) {
        self.mirror = mirror
        live = LiveSandboxes(client: client, namespace: namespace)
    }

    public func sandbox(of run: RunID) async throws -> BoundSandbox {
        if let known = try? await sandbox(of: run, in: mirror), case .existing = known.selector { return known }
        return try await sandbox(of: run, in: live)
    }

    public func claim(of run: RunID) async throws -> ClaimIdentity {
        if let known = await cachedClaim(of: run) { return known }
        return try await provenClaim(of: run, in: live).record.identity
    }

    public func cachedClaim(of run: RunID) async -> ClaimIdentity? {
        try? await provenClaim(of: run, in: mirror).record.identity
    }

    private func sandbox(of run: RunID, in source: some SandboxSource) async throws -> BoundSandbox {
        let claim = try await readyClaim(of: run, in: source)
        let sandbox = try await sandbox(boundTo: claim, in: source)
        let pod = try await pod(of: sandbox, in: source)
        return BoundSandbox(
            claim: claim.record.identity,
            owner: claim.owner,
            pod: pod.identity,
            selector: try selector(of: pod, sandbox: sandbox, claimUID: claim.record.identity.uid)
        )
    }

    private func provenClaim(of run: RunID, in source: some SandboxSource) async throws -> RunClaim {
        var refusal: PreviewError?
        for name in run.claimNames {
            guard let claim = try await source.claim(name), !claim.isBeingDeleted else { continue }
            switch ClaimProof(of: run, writtenRun: claim.record.writtenRun) {
            case .proven: return claim
            case .unproven:
                refusal = noSandbox(
                    "The sandbox with this run's name is not marked as this run's sandbox."
                )
            case .ofAnotherRun:
                refusal = noSandbox("The sandbox with this run's name belongs to another run.")
            }
        }
        throw refusal
            ?? noSandbox("This run has no sandbox. Start the run's sandbox first, then ask for the preview again.")
    }

    private func readyClaim(of run: RunID, in source: some SandboxSource) async throws -> RunClaim {
        let claim = try await provenClaim(of: run, in: source)
        guard claim.isReady else {
            throw noSandbox(
                "The run's sandbox is not ready\(claim.reason.map { " (\($0))" } ?? ""). Wait until it runs, then ask again."
            )
        }
        return claim
    }

    private func sandbox(boundTo claim: RunClaim, in source: some SandboxSource) async throws -> SandboxRecord {
        guard let name = claim.sandboxName, !name.isEmpty else {
            throw noSandbox("The run's sandbox is not bound yet. Wait until it runs, then ask again.")
        }
        guard let sandbox = try await source.sandbox(name) else {
            throw noSandbox("The run's sandbox no longer exists. Start a new one, then ask again.")
        }
        return sandbox
    }

    private func pod(of sandbox: SandboxRecord, in source: some SandboxSource) async throws -> PodRecord {
        guard let pod = try await source.pod(sandbox.podName), !pod.isBeingDeleted else {
            throw noSandbox("The run's sandbox pod has ended. Wait until a new one runs, then ask again.")
        }
        return pod
    }

    private func selector(of pod: PodRecord, sandbox: SandboxRecord, claimUID: String) throws -> PodSelector {
        guard let label = pod.claimUID else {
            guard sandbox.owners.contains(claimUID), let uid = sandbox.uid, pod.owners.contains(uid) else {
                throw noSandbox("The pod of the run's sandbox cannot be verified to belong to the run.")
            }
            return .perRunLabel
        }
        guard label == claimUID else {
            throw noSandbox("The pod of the run's sandbox is bound to another run.")
        }
        var labels = [ClusterLabel.claimUID: label]
        labels[ClusterLabel.sandboxNameHash] = pod.sandboxNameHash
        return .existing(labels)
    }

    private func noSandbox(_ message: String) -> PreviewError {
        PreviewError(.noSandbox, message)
    }
}

/// The source of the three objects between a run and its pod: the cluster, or this replica's copy of it.
protocol SandboxSource: Sendable {
    func claim(_ name: String) async throws -> RunClaim?
    func sandbox(_ name: String) async throws -> SandboxRecord?
    /// - Returns: nil also if the pod has ended.
    func pod(_ name: String) async throws -> PodRecord?
}

extension ClusterMirror: SandboxSource {
    func claim(_ name: String) -> RunClaim? { claim(ofRunNamed: name) }
    func sandbox(_ name: String) -> SandboxRecord? { sandbox(named: name) }
    func pod(_ name: String) -> PodRecord? { pod(named: name) }
}

/// The cluster itself: each read is a request, and nil means that the object does not exist.
struct LiveSandboxes: SandboxSource {
    let client: KubernetesClient
    let namespace: String

    private static let missingUID = ClusterError(.rejected, "the API server returned an object without a UID")

    func claim(_ name: String) async throws -> RunClaim? {
        let claim = try await ClusterError.nilIfMissing {
            try await client.get(SandboxClaim.self, named: name, in: namespace)
        }
        guard let claim else { return nil }
        guard let record = RunClaim(claim) else { throw Self.missingUID }
        return record
    }

    func sandbox(_ name: String) async throws -> SandboxRecord? {
        try await ClusterError.nilIfMissing {
            try await client.getMetadata(of: Sandbox.self, named: name, in: namespace).metadata
        }.map { SandboxRecord($0, withOwnership: true) }
    }

    func pod(_ name: String) async throws -> PodRecord? {
        let pod = try await ClusterError.nilIfMissing {
            try await client.get(Pod.self, named: name, in: namespace)
        }
        guard let pod, !pod.status.isTerminal else { return nil }
        guard let record = PodRecord(pod.metadata, withOwnership: true) else { throw Self.missingUID }
        return record
    }
}
