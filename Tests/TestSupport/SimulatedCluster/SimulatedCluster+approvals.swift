public import PreviewControl
public import PreviewDomain
internal import Synchronization

extension SimulatedCluster {
    struct StoredClaim {
        var identity: ClaimIdentity
        var annotations: [String: String]
        var resourceVersion: Int

        var record: ClaimRecord {
            ClaimRecord(
                identity: identity,
                writtenRun: annotations[ClaimAnnotation.runID],
                resourceVersion: "\(resourceVersion)",
                ledger: ApprovalLedger(annotations: annotations)
            )
        }

        var copy: RunClaim { RunClaim(record) }
    }

    // MARK: For tests

    /// The annotations of the run's claim.
    public func claimAnnotations(of run: RunID) -> [String: String] {
        state.withLock { $0.claims[$0.claimName(of: run)]?.annotations ?? [:] }
    }

    /// The approvals on the run's claim, the oldest first.
    public func approvals(of run: RunID) -> [Approval] {
        ApprovalLedger(annotations: claimAnnotations(of: run)).entries.map(\.approval)
    }

    /// Changes a claim's annotations as another client would; `nil` removes one.
    public func annotateClaim(of run: RunID, _ changes: [String: String?]) {
        _ = state.withLock { state in
            state.changeClaim(state.claimName(of: run)) { claim in
                for (key, value) in changes { claim.annotations[key] = value }
            }
        }
    }

    /// Removes all standing grants for every run, as another client would.
    public func revokeStandingGrants() {
        state.withLock { state in
            state.commonGrants = StandingGrants()
            state.publish(.gateways(.applied(state.gateway)))
        }
    }

    /// Replaces the pod of the run's claim.
    public func replacePod(of run: RunID) {
        state.withLock { state in
            guard let sandbox = state.sandboxes[run] else { return }
            state.pods[sandbox.pod] = false
            let pod = PodIdentity(name: sandbox.pod.name, uid: "uid-\(sandbox.pod.name)-\(state.nextVersion())")
            state.pods[pod] = true
            state.publish(.pods(.applied(state.record(of: pod))))
            state.sandboxes[run] = BoundSandbox(
                claim: sandbox.claim,
                owner: sandbox.owner,
                pod: pod,
                selector: sandbox.selector
            )
        }
    }

    /// The standing grants for every run.
    public var standingGrants: StandingGrants { state.withLock { $0.commonGrants } }
}

extension SimulatedCluster: ApprovalStore {
    public func claim(of run: RunID) async throws(ClusterError) -> ClaimRecord? {
        try await perform(.claim) { state in
            run.claimNames.compactMap { [claims = state.claims] in claims[$0]?.record }.first { $0.belongs(to: run) }
        }
    }

    public func claims(of run: RunID) async throws(ClusterError) -> [ClaimRecord] {
        try await perform(.claim) { state in
            run.claimNames.compactMap { [claims = state.claims] in claims[$0]?.record }.filter { $0.belongs(to: run) }
        }
    }

    public func write(
        _ annotations: [String: String?],
        to claim: ClaimRecord
    ) async throws(ClusterError) -> ClaimRecord? {
        try await perform(.writeClaim) { state in
            let name = claim.identity.name
            guard state.claims[name]?.record.resourceVersion == claim.resourceVersion else { return nil }
            return state.changeClaim(name) { stored in
                for (key, text) in annotations { stored.annotations[key] = text }
            }
        }
    }

    public func replace(
        _ edits: [AnnotationEdit],
        of claim: ClaimIdentity
    ) async throws(ClusterError) -> ClaimRecord? {
        try await perform(.replaceOnClaim) { state in
            guard let stored = state.claims[claim.name], stored.identity == claim,
                edits.allSatisfy({ stored.annotations[$0.key] == $0.old })
            else { return nil }
            return state.changeClaim(claim.name) { stored in
                for edit in edits { stored.annotations[edit.key] = edit.new }
            }
        }
    }

    public func setAutoApprove(_ isOn: Bool, of claim: ClaimIdentity) async throws(ClusterError) -> ClaimRecord? {
        try await perform(.setAutoApprove) { state in
            guard state.claims[claim.name]?.identity == claim else { return nil }
            return state.changeClaim(claim.name) {
                $0.annotations[ApprovalAnnotation.autoApprove] = isOn ? "true" : nil
            }
        }
    }

    public func commonGrants() async throws(ClusterError) -> StandingGrants {
        try await perform(.commonGrants) { $0.commonGrants }
    }

    public func addCommonGrant(_ grant: StandingGrant) async throws(ClusterError) {
        try await perform(.addCommonGrant) { state in
            state.commonGrants.add(grant)
            state.publish(.gateways(.applied(state.gateway)))
        }
    }
}

extension SimulatedCluster.State {
    var gateway: GatewayRecord { GatewayRecord(name: "gateway", grants: commonGrants) }

    /// The name of the run's claim.
    func claimName(of run: RunID) -> String { sandboxes[run]?.claim.name ?? run.claimName }

    mutating func publishClaim(_ name: String) {
        if let claim = claims[name] { publish(.claims(.applied(claim.copy))) }
    }

    @discardableResult
    mutating func changeClaim(
        _ name: String,
        _ change: (inout SimulatedCluster.StoredClaim) -> Void
    ) -> ClaimRecord? {
        guard var claim = claims[name] else { return nil }
        change(&claim)
        claim.resourceVersion = nextVersion()
        claims[name] = claim
        publishClaim(name)
        return claim.record
    }
}
