internal import FoundationEssentials
internal import Logging
internal import PreviewDomain

/// Use of permits: a grant is used once, right before anything is created, and returned if the start left nothing
/// behind.
extension AgentPreviewGate {
    /// Starts a permitted preview. From here on, cancellation of the caller does not stop the start: a used grant leads to
    /// a preview, which the caller gets when it repeats its request. The start is bounded by its ``ResponseDeadline``. The
    /// wait for the app, which follows it, ends as long after a cancellation as a start may take, so that it does not
    /// delay the end of a replica that stops.
    ///
    /// - Throws: ``WriteConflict`` if the permit is no longer valid and nothing was created.
    func start(
        _ request: GateRequest,
        permit: Permit,
        hasWaited: Bool
    ) async throws -> StartedPreview {
        guard hasWaited else { return try await startNow(request, permit: permit, sandbox: request.sandbox) }
        return try await ResponseDeadline.begin(previews.time) {
            try await startNow(request, permit: permit, sandbox: nil)
        }
    }

    /// - Parameter sandbox: The run's sandbox; nil if it has to be read again.
    private func startNow(
        _ request: GateRequest,
        permit: Permit,
        sandbox known: BoundSandbox?
    ) async throws -> StartedPreview {
        try Task.checkCancellation()
        return try await UncancelledWork.run(previews.time, limitAfterCancellation: ResponseDeadline.limit) {
            let began = previews.time.uptime()
            let sandbox: BoundSandbox
            if let known { sandbox = known } else { sandbox = try await previews.sandboxes.sandbox(of: request.run) }
            try await check(sandbox, against: request, permit)
            let use = try withRandomBytes { try Approval.generateUseName(randomBytes: $0) }
            startsInProgress.begin(use)
            defer { startsInProgress.end(use) }
            var used: UsedPermit?
            let started: StartedPreview
            do {
                started = try await previews.start(
                    run: request.run,
                    port: request.port,
                    sandbox: sandbox,
                    requester: request.requester,
                    hostHeader: request.hostHeader,
                    began: began
                ) { token in
                    let preview = token.fingerprint
                    used = try await self.use(permit, as: use, again: used, for: request, preview: preview)
                }
            } catch let failure as FailedStart {
                guard let used else { throw failure.cause }
                throw await self.failure(failure.cause, after: used, leftNothing: failure.leftNothing)
            } catch {
                guard let used else { throw error }
                throw await failure(error, after: used, leftNothing: true)
            }
            // The preview exists, but the wait for its app was ended early.
            try Task.checkCancellation()
            return started
        }
    }

    private func check(_ sandbox: BoundSandbox, against request: GateRequest, _ permit: Permit) async throws {
        guard sandbox.pod != request.sandbox.pod || sandbox.claim != request.sandbox.claim else { return }
        try await withdraw(permit, reason: "The run's sandbox pod was replaced.")
        throw PreviewError(
            .approvalWithdrawn,
            """
            The run's sandbox pod was replaced while this request waited, so its approval is no longer valid. Ask again.
            """
        )
    }

    // MARK: Using a permit

    /// Uses a permit, once; throws ``WriteConflict`` if another call was faster, or if it is no longer valid.
    ///
    /// An automatic grant is recorded as a separate approval that is already used: before anything is created, the
    /// claim records the reason for every preview. An approval that was edited so that it is for another run, port or
    /// pod is not used.
    ///
    /// - Parameters:
    ///   - use: The name of this use.
    ///   - used: The record that this start has already written, if it has to create its preview with another token.
    ///   - preview: The fingerprint of the preview that is about to be created.
    func use(
        _ permit: Permit,
        as use: String,
        again used: UsedPermit?,
        for request: GateRequest,
        preview: String
    ) async throws -> UsedPermit {
        let now = try await previews.currentTime()
        let step = Approval.Step.use(use, preview: preview, at: now.latest)
        if let used {
            guard let next = used.entry.approval.after(step) else { throw refusal(used.entry.approval) }
            return try await replace(used.entry, by: next, on: used.claim)
        }
        switch permit.ground {
        case .granted(let entry):
            guard request.matches(entry.approval) else { throw refusal(entry.approval) }
            guard entry.approval.isUsable(now: now.latest), let used = entry.approval.after(step) else {
                throw refusal(entry.approval.after(.expire(now: .distantFuture)))
            }
            let result = try await replace(entry, by: used, on: permit.claim.identity)
            // Decisions by hand emit no event; record one here.
            if used.decidedBy == nil { record(.approved, used, on: permit.claim.identity) }
            return result
        case .automatic(let ground, let waiting?):
            guard request.matches(waiting.approval),
                let used = granted(waiting.approval, on: ground, step, at: now.latest)
            else { throw refusal(waiting.approval) }
            guard try await isStillValid(ground, for: request) else { throw WriteConflict() }
            let result = try await replace(waiting, by: used, if: ground.conditions, on: permit.claim.identity)
            record(.autoApproved, used, on: permit.claim.identity)
            return result
        case .automatic(let ground, nil):
            let new = try newApproval(for: request, at: now.latest)
            guard let used = granted(new, on: ground, step, at: now.latest) else { throw refusal(new) }
            // The write demands the claim as it was read, and with it the grounds that are on it.
            guard try await isStillValid(ground, for: request),
                try await add(used, to: permit.claim, for: request, now: now) != nil
            else { throw WriteConflict() }
            record(.autoApproved, used, on: permit.claim.identity)
            return UsedPermit(entry: ApprovalLedger.Entry(written: used), claim: permit.claim.identity)
        }
    }

    private func granted(
        _ approval: Approval,
        on ground: ApprovalGround,
        _ use: Approval.Step,
        at now: Date
    ) -> Approval? {
        approval.after(.approveAutomatically(ground.grant, at: now, usableFor: policy.window))?.after(use)
    }

    private func replace(
        _ entry: ApprovalLedger.Entry,
        by next: Approval,
        if conditions: [AnnotationEdit] = [],
        on claim: ClaimIdentity
    ) async throws -> UsedPermit {
        guard try await store.replace([entry.edit(to: next)] + conditions, of: claim) != nil else {
            throw WriteConflict()
        }
        return UsedPermit(entry: ApprovalLedger.Entry(written: next), claim: claim)
    }

    /// Ends an approval that can no longer be used, unless another writer was faster.
    func withdraw(_ permit: Permit, reason: String) async throws {
        let entry: ApprovalLedger.Entry
        switch permit.ground {
        case .granted(let granted): entry = granted
        case .automatic(_, let waiting?): entry = waiting
        case .automatic(_, nil): return
        }
        let now = try await previews.currentTime()
        guard let withdrawn = entry.approval.after(.withdraw(reason: reason, at: now.latest)),
            try await store.replace([entry.edit(to: withdrawn)], of: permit.claim.identity) != nil
        else { return }
        record(ending: withdrawn, on: permit.claim.identity)
    }

    // MARK: Giving back

    /// The error of a start that failed after it had used its permit.
    ///
    /// If it is certain that nothing was left behind, the grant is returned: no caller got the token, so no one can
    /// have seen a preview. Otherwise the grant stays used, since it could start a second preview.
    func failure(_ error: any Error, after used: UsedPermit, leftNothing: Bool) async -> any Error {
        let isOpenAgain = leftNothing ? await returnGrant(used) : false
        let failure = (error as? PreviewError) ?? (error as? ClusterError).map { PreviewError($0) }
        let approval = used.entry.approval
        guard let failure, approval.automatic == nil else { return error }
        let advice: String
        switch (isOpenAgain, approval.scope) {
        case (true, _): advice = "The approval is still valid: repeat the request; it needs no new approval."
        case (false, .run), (false, .tool), (false, .always): return failure
        case (false, _):
            advice = "This attempt has used the approval, so a new attempt needs a new approval."
        }
        return PreviewError(failure.kind, "\(failure.message) \(advice)", retryAfter: failure.retryAfter)
    }

    /// - Returns: Whether the approval can be used again.
    private func returnGrant(_ used: UsedPermit) async -> Bool {
        guard let use = used.entry.approval.use, let back = used.entry.approval.after(.returnGrant(use: use)) else {
            return false
        }
        do {
            let now = try await previews.currentTime()
            guard now.latest < UsedGrantOutcome.latestReturn(of: used.entry.approval),
                try await store.replace([used.entry.edit(to: back)], of: used.claim) != nil
            else { return false }
            previews.logger.info("a start failed, and its approval is valid again", metadata: ["run": "\(back.run)"])
            return back.isUsable(now: now.latest)
        } catch {
            previews.logger.warning("an approval could not be made valid again", metadata: ["error": "\(error)"])
            return false
        }
    }
}

/// Another writer was faster: what was to be used has changed since it was read. The caller reads it again.
struct WriteConflict: Error {}
