public import PreviewControl
public import PreviewDomain
public import PreviewIdentity
internal import Synchronization

extension SimulatedCluster {
    public var ports: ClusterPorts {
        ClusterPorts(
            sandboxes: self,
            objects: self,
            feed: self,
            time: self,
            probe: self,
            approvals: self,
            approvalFeed: SimulatedApprovalFeed(self)
        )
    }
}

/// By what the platform wrote on the claims.
extension SimulatedCluster: RunOwners {}

extension SimulatedCluster: SandboxDirectory {
    public func sandbox(of run: RunID) async throws -> BoundSandbox {
        guard let sandbox = try await perform(.resolveSandbox, { $0.sandboxes[run] }) else {
            throw PreviewError(.noSandbox, "This run has no sandbox.")
        }
        return sandbox
    }

    public func claim(of run: RunID) async throws -> ClaimIdentity { try await sandbox(of: run).claim }
}

extension SimulatedCluster: ClusterTime {
    public func reading() -> ClusterTimeReading? {
        state.withLock { $0.timeIsKnown ? ClusterTimeReading(earliest: $0.now, latest: $0.now) : nil }
    }
}

extension SimulatedCluster: PreviewProbe {
    public func probe(_ token: PreviewToken, patience: Duration) async -> ProbeOutcome {
        let outcome = try? await perform(.probe) { state in
            let seesLocalhost = state.routes[token]?.preview?.hostHeader == .localhost
            return seesLocalhost ? state.localhostOutcome ?? state.probeOutcome : state.probeOutcome
        }
        return outcome ?? .notConnected
    }
}

extension SimulatedCluster: ClusterFeed {
    public func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws {
        let (id, changes) = state.withLock { state in
            let (stream, continuation) = AsyncStream.makeStream(of: ClusterChange.self)
            let id = state.nextSubscriber
            state.nextSubscriber += 1
            state.subscribers[id] = continuation
            continuation.yield(.podsReplaced(state.pods.filter(\.value).map(\.key)))
            continuation.yield(.claimsReplaced(state.claims.values.map(\.identity)))
            continuation.yield(.backendsReplaced(Array(state.backends.values)))
            continuation.yield(.routesReplaced(state.routes.values.compactMap(\.preview)))
            return (id, stream)
        }
        defer { state.withLock { $0.subscribers[id] = nil } }
        for await change in changes { await handle(change) }
    }

    /// Opens a silent watch anew, so that what it has missed arrives.
    public func isAlive() async -> Bool {
        let isAlive = try? await perform(.proveWatch) { state in
            if state.watchIsDeaf { return true }
            for change in state.missed { state.deliver(change) }
            state.missed = []
            state.watchIsSilent = false
            return true
        }
        return isAlive ?? false
    }
}
