internal import FoundationEssentials
internal import PreviewDomain

extension AgentPreviewGate {
    /// Uses a permit up, once; throws when somebody else did, or when it does not hold any more.
    ///
    /// A grant that nobody was asked for is written down as an approval of its own, used already: whatever started the
    /// preview, the claim says so before anything is created.
    func use(_ permit: Permit, for request: GateRequest) async throws {
        let use = try randomly { try Approval.mintUse(randomBytes: $0) }
        let now = try await previews.currentTime()
        switch permit.ground {
        case .granted(let entry):
            guard entry.approval.isUsable(now: now.latest), let used = entry.approval.after(.use(use)) else {
                throw refusal(entry.approval.after(.expire(now: .distantFuture)))
            }
            try await replace(entry, by: used, on: permit.claim)
            // Who decided by hand told nobody.
            if used.decidedBy == nil { record(.approved, used, on: permit.claim.identity) }
        case .automatic(let ground, let waiting?):
            guard let used = granted(waiting.approval, on: ground, use: use, at: now.latest) else {
                throw refusal(waiting.approval)
            }
            try await replace(waiting, by: used, on: permit.claim)
            record(.autoApproved, used, on: permit.claim.identity)
        case .automatic(let ground, nil):
            try await useAutomatic(ground, use: use, on: permit.claim, for: request)
        }
    }

    private func granted(_ approval: Approval, on ground: AutomaticGrant, use: String, at now: Date) -> Approval? {
        approval.after(.approveAutomatically(ground, at: now, usableFor: policy.window))?.after(.use(use))
    }

    private func replace(
        _ entry: ApprovalLedger.Entry,
        by next: Approval,
        on claim: ClaimRecord
    ) async throws {
        guard try await store.replace([entry.edit(to: next)], of: claim.identity) == nil else { return }
        throw refusal(try await store.claim(of: entry.approval.run)?.ledger.entry(entry.approval.id)?.approval)
    }

    private func useAutomatic(
        _ ground: AutomaticGrant,
        use: String,
        on claim: ClaimRecord,
        for request: GateRequest
    ) async throws {
        var claim = claim
        var ground = ground
        for _ in 0..<Self.maxAttempts {
            let now = try await previews.currentTime()
            let new = try newApproval(for: request, at: now.latest)
            guard let used = granted(new, on: ground, use: use, at: now.latest) else { break }
            if try await add(used, to: claim, for: request, now: now) != nil {
                return record(.autoApproved, used, on: claim.identity)
            }
            claim = try await currentClaim(of: request)
            guard let stillValid = await automaticGround(for: request, on: claim) else {
                throw PreviewError(
                    .approvalWithdrawn,
                    "What approved this request automatically was switched off just now. Ask again."
                )
            }
            ground = stillValid
        }
        throw claimIsBusy
    }

    /// Ends an approval that can no longer be used, unless somebody else was faster.
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
}
