public import PreviewDomain

extension AgentPreviewGate {
    /// The longest that ``approval(run:requestID:wait:)`` waits.
    public static let maxWait = Duration.seconds(60)

    /// The run's requests that are still on its claim, the newest first.
    ///
    /// One whose time is over is shown as such, even while nobody has written it down yet.
    public func approvals(run: RunID) async throws(PreviewError) -> [Approval] {
        try await previews.asking {
            guard let claim = try await store.claim(of: run) else { return [] }
            return claim.ledger.entries.reversed().map(\.approval).filter { $0.run == run }.map(asOfNow)
        }
    }

    /// One request of the run.
    ///
    /// - Parameter wait: How long to wait for a decision where there is none yet, at most ``maxWait``.
    /// - Throws: ``PreviewError/Kind/approvalNotFound`` where the run has no such request.
    public func approval(
        run: RunID,
        requestID text: String,
        wait: Duration = .zero
    ) async throws(PreviewError) -> Approval {
        try await previews.asking {
            guard let id = ApprovalRequestID(text) else { throw unknownRequest }
            let approval = asOfNow(try await find(id, of: run, inIndex: wait > .zero).1.approval)
            guard approval.state == .pending, wait > .zero else { return approval }
            return try await next(of: approval, within: min(wait, Self.maxWait))
        }
    }

    /// The request once it is no longer pending, or as it is when the time is over.
    private func next(of approval: Approval, within limit: Duration) async throws -> Approval {
        let decided = await withTaskGroup(of: Approval?.self) { group in
            group.addTask {
                for await claim in index.updates(ofClaimNamed: approval.run.claimName) {
                    let current = claim?.ledger.entry(approval.id)?.approval
                    if let current, current.state != .pending { return current }
                }
                return nil
            }
            group.addTask {
                try? await previews.time.sleep(limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        try Task.checkCancellation()
        if let decided { return decided }
        return try await AnswerDeadline.begin(previews.time) {
            asOfNow(try await find(approval.id, of: approval.run, inIndex: false).1.approval)
        }
    }

    private func asOfNow(_ approval: Approval) -> Approval {
        guard let now = previews.clusterTime.reading()?.earliest else { return approval }
        return approval.after(.expire(now: now)) ?? approval
    }
}
