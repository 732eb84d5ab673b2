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
            let decision = HumanDecision.approve(scope)
            let decided = try await decide(decision, run: run, id: id, by: decider)
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
            try await decide(.deny(reason: reason), run: run, id: id, by: decider)
        }
    }

    /// Sets the run's auto-approve option, with which every request is approved automatically. Pending requests are
    /// approved too.
    ///
    /// - Parameter isAccepted: Whether the core API has accepted the option; otherwise it is not turned on for a run that
    ///   has ended. It can always be turned off: it may still count, for runs that this one has started.
    public func setAutoApprove(
        run: RunID,
        to isOn: Bool,
        by decider: String,
        isAccepted: Bool = false
    ) async throws(PreviewError) {
        try await previews.mappingClusterErrors {
            if isOn, !isAccepted { try await checkThatRunHasNotEnded(run) }
            // The cached information about the run is from before the change.
            facts?.forget(run)
            guard try await writeAutoApprove(isOn, run: run) else {
                throw PreviewError(
                    .noSandbox,
                    "The option is stored on the run's sandbox, and this run has none. Start the run's sandbox first."
                )
            }
            previews.logger.info(
                "a run's auto-approve option was changed",
                metadata: ["run": "\(run)", "enabled": "\(isOn)", "by": "\(SecretMask.mask(decider))"]
            )
        }
    }

    /// Sets the option on the run's claim. It is removed from each claim of the run: another one is the run's once this
    /// one is gone, and the option must not count again then.
    ///
    /// - Returns: False if the run has no claim.
    private func writeAutoApprove(_ isOn: Bool, run: RunID) async throws -> Bool {
        let claims = isOn ? [try await store.claim(of: run)].compactMap(\.self) : try await store.claims(of: run)
        var isWritten = false
        for claim in claims {
            if try await store.setAutoApprove(isOn, of: claim.identity) != nil { isWritten = true }
        }
        return isWritten
    }

    /// Invalidates the cached information about a run, since the core API has accepted another option for it.
    public func forgetFacts(of run: RunID) { facts?.forget(run) }

    private func decide(
        _ decision: HumanDecision,
        run: RunID,
        id text: String,
        by decider: String
    ) async throws -> Approval {
        guard let id = ApprovalRequestID(text) else { throw unknownRequest }
        for attempt in 0..<GateMachine.maxAttempts {
            let (claim, entry) = try await find(id, of: run, acceptsCopy: attempt == 0)
            let now = try await previews.currentTime()
            if decision.isWritten(on: entry.approval, by: decider) { return entry.approval }
            if attempt == 0 { try await checkThatRunHasNotEnded(run) }
            switch decision.step(on: entry, in: claim.ledger, by: decider, now: now) {
            case .expire:
                if let ended = try await expire(entry, on: claim) { throw alreadyDecided(ended) }
            case .refuse:
                throw alreadyDecided(entry.approval)
            case .write(let approval, let edits):
                guard try await store.replace(edits, of: claim.identity) != nil else { continue }
                record(decision.eventKind, approval, on: claim.identity)
                return approval
            }
        }
        throw claimIsBusy
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
                The request was approved, but the approval for other runs could not be stored: \(error.detail). \
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
            let approval = asOfNow(try await find(id, of: run, acceptsCopy: wait > .zero).1.approval)
            guard approval.state == .pending, wait > .zero else { return approval }
            return try await next(of: approval, within: min(wait, Self.maxWait))
        }
    }

    func asOfNow(_ approval: Approval) -> Approval {
        guard let now = previews.clusterTime.reading()?.earliest else { return approval }
        return approval.after(.expire(now: now)) ?? approval
    }
}

/// What a human decides about a request, and what that means for the request as it is on its claim.
enum HumanDecision: Sendable {
    case approve(ApprovalScope)
    case deny(reason: String?)

    /// What to do about the request. Where a write is overtaken, the request is read and evaluated again.
    enum Step: Hashable, Sendable {
        /// Its time is over: write that down.
        case expire
        /// It waits for no decision.
        case refuse
        /// Write the decision and, in the same write, what it grants to later requests.
        case write(Approval, [AnnotationEdit])
    }

    var eventKind: TimelineEvent.Kind {
        switch self {
        case .approve: .approved
        case .deny: .denied
        }
    }

    /// Whether the same human has decided the same before: the first answer may have been lost.
    func isWritten(on approval: Approval, by decider: String) -> Bool {
        guard approval.isDecided(by: decider) else { return false }
        return switch self {
        case .approve(let scope):
            approval.scope == scope && (approval.state == .granted || approval.state == .consumed)
        case .deny: approval.state == .denied
        }
    }

    func step(
        on entry: ApprovalLedger.Entry,
        in ledger: ApprovalLedger,
        by decider: String,
        now: ClusterTimeReading
    ) -> Step {
        let approval = entry.approval
        if approval.state == .pending, approval.after(.expire(now: now.earliest)) != nil { return .expire }
        let change: Approval.Step =
            switch self {
            case .approve(let scope):
                // A command that decides has no settings of the service; the request shows its time-out.
                .approve(scope: scope, by: decider, at: now.latest, usableFor: approval.window)
            case .deny(let reason): .deny(by: decider, reason: reason, at: now.latest)
            }
        guard let next = approval.after(change) else { return .refuse }
        return .write(next, [entry.edit(to: next)] + standingGrant(of: next, in: ledger, at: now.latest))
    }

    /// The edit by which later requests of the run need no decision.
    private func standingGrant(of approval: Approval, in ledger: ApprovalLedger, at instant: Date) -> [AnnotationEdit] {
        let scope: StandingGrant.Scope
        switch approval.scope {
        case .run: scope = .run(approval.run, approval.port)
        case .tool: scope = .tool(approval.run)
        case .once, .always, nil: return []
        }
        return [ledger.edit(adding: StandingGrant(scope, by: approval.decidedBy ?? "", at: instant))]
    }
}
