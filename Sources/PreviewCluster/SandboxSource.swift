internal import KubernetesClient
internal import KubernetesModel
internal import PreviewControl

/// Where the three objects that lead from a run to its pod are read: the cluster, or this replica's copy of it.
protocol SandboxSource: Sendable {
    func claim(_ name: String) async throws -> SandboxClaim?
    func sandbox(_ name: String) async throws -> ObjectMeta?
    /// - Returns: `nil` also for a pod that has ended.
    func pod(_ name: String) async throws -> ObjectMeta?
}

/// The cluster itself: each read is a request, and `nil` means that the object does not exist.
struct LiveSandboxes: SandboxSource {
    let client: KubernetesClient
    let namespace: String

    func claim(_ name: String) async throws -> SandboxClaim? {
        try await ClusterError.askingForOne {
            try await client.get(SandboxClaim.self, named: name, in: namespace)
        }
    }

    func sandbox(_ name: String) async throws -> ObjectMeta? {
        try await ClusterError.askingForOne {
            try await client.getMetadata(of: Sandbox.self, named: name, in: namespace).metadata
        }
    }

    func pod(_ name: String) async throws -> ObjectMeta? {
        let pod = try await ClusterError.askingForOne {
            try await client.get(Pod.self, named: name, in: namespace)
        }
        return pod.flatMap { $0.status.isTerminal ? nil : $0.metadata }
    }
}
