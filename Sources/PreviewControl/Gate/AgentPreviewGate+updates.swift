public import PreviewDomain

extension AgentPreviewGate {
    /// The run's requests as this replica's copy has them, now and after each change.
    ///
    /// No request to the cluster is made for it. A copy that is not there yet is delivered once it is.
    public func approvalUpdates(run: RunID) -> some AsyncSequence<[Approval], Never> & Sendable {
        mirror.updates(ofClaimNamed: run.claimName).map { claim in
            guard let claim, claim.belongs(to: run) else { return [] }
            return claim.ledger.entries.map(\.approval).filter { $0.run == run }
        }
    }
}
