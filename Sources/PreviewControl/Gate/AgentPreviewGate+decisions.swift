internal import FoundationEssentials
internal import Logging
public import PreviewDomain

/// Decisions of people and consoles about requests, and reading of requests.
extension AgentPreviewGate {
    /// Approves a pending request.
    ///
    /// Repeating one's own approval is not an error: the first response may have been lost.
    ///
    /// - Parameters:
    ///   - id: The request's ID as the caller wrote it.
    ///   - decider: The human who decides.
    /// - Throws: ``PreviewError/Kind/approvalNotFound`` if the run has no such request,
    ///   ``PreviewError/Kind/noPendingApproval`` if it is decided or its deadline has passed.
    @discardableResult
    public func approve(
        run: RunID,
        requestID id: String,
        scope: ApprovalScope,
        by decider: String
    ) async throws(PreviewError) -> Approval {
        try await previews.mappingClusterErrors {
            let decided = try await decide(run: run, id: id, kind: .approved) { approval in
                approval.isDecided(by: decider) && approval.scope == scope
                    && (approval.state == .granted || approval.state == .consumed)
            } edits: { entry, ledger, now in
                let step = Approval.Step.approve(scope: scope, by: decider, at: now, usableFor: policy.window)
                guard let next = entry.approval.after(step) else { return nil }
                return Decision(approval: next, edits: [entry.edit(to: next)] + standing(next, ledger, now))
            }
            if scope == .always, let instant = decided.decidedAt {
                try await addCommonGrant(for: decided, by: decider, at: instant)
            }
            return decided
        }
    }

    /// Denies a pending request. See ``approve(run:requestID:scope:by:)``.
    ///
    /// - Parameter reason: The text that the agent gets with the refusal.
    @discardableResult
    public func deny(
        run: RunID,
        requestID id: String,
        by decider: String,
        reason: String? = nil
    ) async throws(PreviewError) -> Approval {
        try await previews.mappingClusterErrors {
            try await decide(run: run, id: id, kind: .denied) { approval in
                approval.isDecided(by: decider) && approval.state == .denied
            } edits: { entry, _, now in
                entry.approval.after(.deny(by: decider, reason: reason, at: now))
                    .map { Decision(approval: $0, edits: [entry.edit(to: $0)]) }
            }
        }
    }

    /// Sets the run's auto-approve option, with which every request is approved automatically. Pending requests are
    /// approved too.
    ///
    /// - Parameter isAccepted: Whether the core API has accepted the option; otherwise the option is refused for a run
    ///   that has ended.
    public func setAutoApprove(
        run: RunID,
        to isOn: Bool,
        by decider: String,
        isAccepted: Bool = false
    ) async throws(PreviewError) {
        try await previews.mappingClusterErrors {
            if !isAccepted { try await checkThatRunWorks(run) }
            // The cached information about the run is from before the change.
            facts?.forget(run)
            guard let claim = try await store.claim(of: run),
                try await store.setAutoApprove(isOn, of: claim.identity) != nil
            else {
                throw PreviewError(
                    .noSandbox,
                    "This run has no sandbox, and the option is kept there. Start the run's sandbox first."
                )
            }
            previews.logger.info(
                "a run's auto-approve option was changed",
                metadata: ["run": "\(run)", "enabled": "\(isOn)", "by": "\(decider)"]
            )
        }
    }

    private struct Decision {
        let approval: Approval
        let edits: [AnnotationEdit]
    }

    private func decide(
        run: RunID,
        id text: String,
        kind: TimelineEvent.Kind,
        isDone: (Approval) -> Bool,
        edits: (ApprovalLedger.Entry, ApprovalLedger, Date) -> Decision?
    ) async throws -> Approval {
        guard let id = ApprovalRequestID(text) else { throw unknownRequest }
        for attempt in 0..<GateMachine.maxAttempts {
            let (claim, entry) = try await find(id, of: run, inIndex: attempt == 0)
            let now = try await previews.currentTime()
            if isDone(entry.approval) { return entry.approval }
            if attempt == 0 { try await checkThatRunWorks(run) }
            if let ended = entry.approval.after(.expire(now: now.earliest)), entry.approval.state == .pending {
                if try await expire(entry, on: claim) != nil { throw alreadyDecided(ended) }
                continue
            }
            guard let decision = edits(entry, claim.ledger, now.latest) else { throw alreadyDecided(entry.approval) }
            guard try await store.replace(decision.edits, of: claim.identity) != nil else { continue }
            record(kind, decision.approval, on: claim.identity)
            return decision.approval
        }
        throw claimIsBusy
    }

    // MARK: Standing grants

    /// The edit that adds a standing grant for later requests of the run, in the same write as the decision.
    private func standing(_ approval: Approval, _ ledger: ApprovalLedger, _ now: Date) -> [AnnotationEdit] {
        let reach: StandingGrant.Reach
        switch approval.scope {
        case .run: reach = .run(approval.run, approval.port)
        case .tool: reach = .tool(approval.run)
        case .once, .always, nil: return []
        }
        return [ledger.edit(adding: StandingGrant(reach, by: approval.decidedBy ?? "", at: now))]
    }

    /// The Gateway is a separate object, so this is a separate write. It comes second, so that a decision that was not
    /// accepted leaves no grant for every run.
    private func addCommonGrant(for approval: Approval, by decider: String, at instant: Date) async throws {
        do {
            try await store.addCommonGrant(StandingGrant(.always(approval.port), by: decider, at: instant))
        } catch {
            throw PreviewError(
                .clusterUnavailable,
                """
                The request was approved, but the approval for other runs could not be written down: \(error.detail). \
                Send the same decision again.
                """,
                retryAfter: error.retryAfter ?? PreviewError.defaultRetryAfter
            )
        }
    }

    // MARK: Reading

    /// The longest wait of ``approval(run:requestID:wait:)``.
    public static let maxWait = Duration.seconds(60)

    /// The requests that are still on the run's claim, the newest first.
    ///
    /// A request whose deadline has passed is shown as such, even before this is written.
    public func approvals(run: RunID) async throws(PreviewError) -> [Approval] {
        try await previews.mappingClusterErrors {
            guard let claim = try await store.claim(of: run) else { return [] }
            return claim.ledger.entries.reversed().map(\.approval).filter { $0.run == run }.map(asOfNow)
        }
    }

    /// One request of the run.
    ///
    /// - Parameter wait: How long to wait for a decision if there is none yet, at most ``maxWait``.
    /// - Throws: ``PreviewError/Kind/approvalNotFound`` if the run has no such request.
    public func approval(
        run: RunID,
        requestID text: String,
        wait: Duration = .zero
    ) async throws(PreviewError) -> Approval {
        try await previews.mappingClusterErrors {
            guard let id = ApprovalRequestID(text) else { throw unknownRequest }
            let approval = asOfNow(try await find(id, of: run, inIndex: wait > .zero).1.approval)
            guard approval.state == .pending, wait > .zero else { return approval }
            return try await next(of: approval, within: min(wait, Self.maxWait))
        }
    }

    func asOfNow(_ approval: Approval) -> Approval {
        guard let now = previews.clusterTime.reading()?.earliest else { return approval }
        return approval.after(.expire(now: now)) ?? approval
    }
}
