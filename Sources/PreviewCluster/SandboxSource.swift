internal import KubernetesClient
internal import KubernetesModel
internal import PreviewControl

/// Where the three objects that lead from a run to its pod are read: the cluster, or this replica's copy of it.
protocol SandboxSource: Sendable {
    func claim(_ name: String) async throws -> RunClaim?
    func sandbox(_ name: String) async throws -> SandboxRecord?
    /// - Returns: nil also for a pod that has ended.
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
        let claim = try await ClusterError.askingForOne {
            try await client.get(SandboxClaim.self, named: name, in: namespace)
        }
        guard let claim else { return nil }
        guard let record = RunClaim(claim) else { throw Self.missingUID }
        return record
    }

    func sandbox(_ name: String) async throws -> SandboxRecord? {
        try await ClusterError.askingForOne {
            try await client.getMetadata(of: Sandbox.self, named: name, in: namespace).metadata
        }.map { SandboxRecord($0, withOwnership: true) }
    }

    func pod(_ name: String) async throws -> PodRecord? {
        let pod = try await ClusterError.askingForOne {
            try await client.get(Pod.self, named: name, in: namespace)
        }
        guard let pod, !pod.status.isTerminal else { return nil }
        guard let record = PodRecord(pod.metadata, withOwnership: true) else { throw Self.missingUID }
        return record
    }
}
