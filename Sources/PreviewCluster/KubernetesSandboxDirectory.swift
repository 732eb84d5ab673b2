public import KubernetesClient
internal import KubernetesModel
public import PreviewControl
public import PreviewDomain

/// Finds a run's pod by following its SandboxClaim, and proves that all three objects belong together.
public struct KubernetesSandboxDirectory: SandboxDirectory {
    private let client: KubernetesClient
    private let namespace: String

    /// The labels that agent-sandbox puts on a sandbox's pod: the claim's UID, and a hash of the Sandbox's name.
    private static let sandboxNameHash = "agents.x-k8s.io/sandbox-name-hash"

    public init(client: KubernetesClient, namespace: String) {
        self.client = client
        self.namespace = namespace
    }

    public func sandbox(of run: RunID) async throws -> BoundSandbox {
        let claim = try await claim(of: run)
        let sandbox = try await sandbox(boundTo: claim)
        let pod = try await pod(of: sandbox)
        guard let claimUID = claim.metadata.uid, let podUID = pod.metadata.uid else {
            throw ClusterError(.rejected, "the API server returned an object without a UID")
        }
        return BoundSandbox(
            claim: ClaimIdentity(name: claim.metadata.name, uid: claimUID),
            owner: claim.metadata.platformValue(ClaimAnnotation.runOwner),
            pod: PodIdentity(name: pod.metadata.name, uid: podUID),
            selector: try selector(of: pod, sandbox: sandbox, claim: claim, claimUID: claimUID)
        )
    }

    private func claim(of run: RunID) async throws -> SandboxClaim {
        let found = try await ClusterError.askingForOne {
            try await client.get(SandboxClaim.self, named: run.claimName, in: namespace)
        }
        guard let claim = found, !claim.metadata.isBeingDeleted else {
            throw noSandbox("This run has no sandbox. Start the run's sandbox first, then ask for the preview again.")
        }
        try prove(claim, isOf: run)
        guard claim.status.conditions.isTrue("Ready") else {
            let reason = claim.status.conditions.first(ofType: "Ready")?.reason
            throw noSandbox(
                "The run's sandbox is not ready\(reason.map { " (\($0))" } ?? ""). Wait until it runs, then ask again."
            )
        }
        return claim
    }

    /// The claim's name holds only twelve characters of the run id. What the platform wrote on the claim must say the
    /// same run; where it wrote nothing, twelve hexadecimal digits of a UUID are enough, and a prefix of any other id
    /// is not, since anybody could choose an id that begins alike.
    private func prove(_ claim: SandboxClaim, isOf run: RunID) throws {
        guard let written = claim.metadata.platformValue(ClaimAnnotation.runID) else {
            guard run.isUUID else {
                throw noSandbox("The sandbox that this run's name leads to does not say that it belongs to this run.")
            }
            return
        }
        guard (try? RunID(written)) == run else {
            throw noSandbox("The sandbox that this run's name leads to belongs to another run.")
        }
    }

    private func sandbox(boundTo claim: SandboxClaim) async throws -> Sandbox {
        guard let name = claim.status.sandbox?.name, !name.isEmpty else {
            throw noSandbox("The run's sandbox is not bound yet. Wait until it runs, then ask again.")
        }
        let found = try await ClusterError.askingForOne {
            try await client.get(Sandbox.self, named: name, in: namespace)
        }
        guard let sandbox = found else {
            throw noSandbox("The run's sandbox is gone. Start a new one, then ask again.")
        }
        return sandbox
    }

    private func pod(of sandbox: Sandbox) async throws -> Pod {
        let name = sandbox.metadata.annotations[SandboxAnnotation.podName] ?? sandbox.metadata.name
        let found = try await ClusterError.askingForOne {
            try await client.get(Pod.self, named: name, in: namespace)
        }
        guard let pod = found, !pod.metadata.isBeingDeleted, !pod.status.isTerminal else {
            throw noSandbox("The run's sandbox pod has ended. Wait until a new one runs, then ask again.")
        }
        return pod
    }

    private func selector(
        of pod: Pod,
        sandbox: Sandbox,
        claim: SandboxClaim,
        claimUID: String
    ) throws -> PodSelector {
        guard let label = pod.metadata.labels[ClusterLabel.claimUID] else {
            guard sandbox.metadata.isOwned(by: claim.metadata), pod.metadata.isOwned(by: sandbox.metadata) else {
                throw noSandbox("The pod that the run's sandbox names cannot be proven to be the run's own.")
            }
            return .perRunLabel
        }
        guard label == claimUID else {
            throw noSandbox("The pod that the run's sandbox names is bound to another run.")
        }
        var labels = [ClusterLabel.claimUID: label]
        if let hash = pod.metadata.labels[Self.sandboxNameHash] { labels[Self.sandboxNameHash] = hash }
        return .existing(labels)
    }

    private func noSandbox(_ message: String) -> PreviewError {
        PreviewError(.noSandbox, message)
    }
}

extension ObjectMeta {
    /// What the platform wrote under `key`, as an annotation or as a label.
    fileprivate func platformValue(_ key: String) -> String? {
        annotations[key] ?? labels[key]
    }

    fileprivate func isOwned(by owner: ObjectMeta) -> Bool {
        owner.uid != nil && ownerReferences.contains { $0.uid == owner.uid }
    }
}
