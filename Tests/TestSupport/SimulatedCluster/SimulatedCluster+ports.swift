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
            approvals: self
        )
    }
}

/// Returns the owners that the platform wrote on the claims.
extension SimulatedCluster: RunOwners {}

extension SimulatedCluster: SandboxDirectory {
    public func sandbox(of run: RunID) async throws -> BoundSandbox {
        guard let sandbox = try await perform(.resolveSandbox, { $0.sandboxes[run] }) else {
            throw PreviewError(.noSandbox, "This run has no sandbox.")
        }
        return sandbox
    }

    public func claim(of run: RunID) async throws -> ClaimIdentity { try await sandbox(of: run).claim }

    public func cachedClaim(of run: RunID) -> ClaimIdentity? { state.withLock { $0.sandboxes[run]?.claim } }
}

extension SimulatedCluster: ClusterTime {
    public func reading() -> ClusterTimeReading? {
        state.withLock { state in
            guard state.timeIsKnown else { return nil }
            return ClusterTimeReading(earliest: state.now - Self.uncertainty, latest: state.now)
        }
    }
}

extension SimulatedCluster: PreviewProbe {
    public func probe(_ token: PreviewToken, timeout: Duration) async -> ProbeOutcome {
        let outcome = try? await perform(.probe) { state in
            let seesLocalhost = state.routes[token]?.preview?.hostHeader == .localhost
            if state.routes[token]?.backendProtocol == .http2, !seesLocalhost, let outcome = state.http2Outcome {
                return outcome
            }
            return seesLocalhost ? state.localhostOutcome ?? state.probeOutcome : state.probeOutcome
        }
        return outcome ?? .notConnected
    }
}

extension SimulatedCluster: ClusterFeed {
    /// Each kind's watch delivers independently: in its own order, and before or after the others. With
    /// ``interleave(seed:)`` each change is also delayed by a random number of yields.
    public func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws {
        let (id, watches) = state.withLock { state in
            let id = state.nextSubscriber
            state.nextSubscriber += 1
            var watches: [AsyncStream<ClusterChange>] = []
            for list in state.lists {
                let (stream, continuation) = AsyncStream.makeStream(of: ClusterChange.self)
                continuation.yield(list)
                state.subscribers[id, default: [:]][list.collection] = continuation
                watches.append(stream)
            }
            return (id, watches)
        }
        defer { state.withLock { $0.subscribers[id] = nil } }
        await withTaskGroup(of: Void.self) { group in
            for watch in watches {
                group.addTask { [self] in
                    for await change in watch {
                        for _ in 0..<lag { await Task.yield() }
                        await handle(change)
                    }
                }
            }
        }
    }

    private var lag: UInt64 { state.withLock { $0.interleaving.map { $0.next() % Self.maxPauses } ?? 0 } }

    /// Reopens the silent watches, so that the missed changes arrive, unless ``silenceWatchPermanently()`` was called.
    public func isAlive() async -> Bool {
        let isAlive = try? await perform(.checkWatch) { state in
            if !state.watchStaysSilent { state.endSilence(over: ClusterCollection.allCases) }
            return true
        }
        return isAlive ?? false
    }
}

extension SimulatedCluster.State {
    /// All objects, grouped by kind.
    fileprivate var lists: [ClusterChange] {
        [
            .pods(.replaced(pods.filter(\.value).keys.map(record))),
            .claims(.replaced(claims.values.map(\.copy))),
            .sandboxes(.replaced([])),
            .gateways(.replaced([gateway])),
            .backends(.replaced(Array(backends.values))),
            .routes(.replaced(routes.values.compactMap(\.preview))),
        ]
    }
}
