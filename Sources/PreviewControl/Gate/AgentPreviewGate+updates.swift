public import PreviewDomain

extension AgentPreviewGate {
    /// The run's requests as this replica's copy has them. No request to the cluster is made for it.
    public func knownApprovals(run: RunID) -> [Approval] {
        mirror.read { state in
            guard let claim = state.cluster.claimRecord(of: run) else { return [] }
            return claim.ledger.entries.map(\.approval).filter { $0.run == run }
        }
    }

    /// Tells that the run's requests are known, now or once they are, and that they may have changed.
    ///
    /// - Parameter changed: Called by whoever changes the copy. It must not wait.
    public func observeApprovals(run: RunID, _ changed: @escaping @Sendable () -> Void) -> Observation {
        mirror.observe(claimsNamed: run.claimNames, changed)
    }
}
