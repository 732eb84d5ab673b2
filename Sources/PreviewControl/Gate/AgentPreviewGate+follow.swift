internal import FoundationEssentials
public import PreviewDomain

/// Calls of the same request, by the same caller for the same port of the same pod, share one preview: the approval
/// remembers its fingerprint, and whoever asks gets its session as long as it lives.
extension AgentPreviewGate {
    /// What earlier calls of the same request have led to, the latest first.
    func earlierStart(of request: GateRequest, on claim: ClaimRecord, now: Date) async throws -> UsedGrant {
        let lifetime = previews.policy.lifetime.maxLifetime
        let used = claim.ledger.entries.reversed().filter {
            request.matches($0.approval) && UsedGrant.mayExist($0.approval, now: now, lifetime: lifetime)
        }
        let fingerprints = Set(used.compactMap(\.approval.preview))
        guard !fingerprints.isEmpty else { return .ended(nil) }
        if let living = try await previews.living(of: request.run.label, fingerprints: fingerprints),
            let entry = used.first(where: { $0.approval.preview == living.token.fingerprint })
        {
            switch try await outcome(of: entry, on: claim, found: living) {
            case .ended: break
            case let outcome: return outcome
            }
        }
        for entry in used where mayStillChange(entry.approval, now: now) {
            let outcome = try await outcome(of: entry, on: claim)
            if case .ended = outcome { continue }
            return outcome
        }
        return .ended(nil)
    }

    /// The preview that a used approval became, once it is there; or that the grant was given back.
    ///
    /// Who uses a grant creates the preview right after, so that it is not waited for long: a replica that died in between
    /// leaves a used grant without one.
    ///
    /// - Parameter found: The preview, where it was just found.
    func outcome(
        of used: ApprovalLedger.Entry,
        on claim: ClaimRecord,
        found: Preview? = nil
    ) async throws -> UsedGrant {
        var (entry, claim, found) = (used, claim, found)
        let latest = previews.time.uptime() + UsedGrant.longestStart
        var pause = UsedGrant.firstPause
        while true {
            let approval = entry.approval
            let end = approval.use.flatMap(startsUnderWay.end)
            if found == nil, let fingerprint = approval.preview {
                found = try await previews.living(of: approval.run.label, fingerprints: [fingerprint])
            }
            if let living = found, try await share(entry, on: claim), let started = try await previews.join(living) {
                return .preview(started)
            }
            found = nil
            guard let current = try await store.claim(of: approval.run), current.identity == claim.identity,
                let next = current.ledger.entry(approval.id)
            else { return .ended(nil) }
            if next.approval.state == .granted { return .givenBack(next, current) }
            guard next.approval.state == .consumed else { return .ended(next.approval) }
            // Where it was used again, shared, or had to take another token, that is what counts.
            let isSame = next.text == entry.text
            (entry, claim) = (next, current)
            let now = try await previews.currentTime()
            guard previews.time.uptime() < latest, !isSame || mayStillChange(next.approval, now: now.earliest) else {
                return .ended(next.approval)
            }
            guard isSame else { continue }
            try await wait(for: end, atMost: pause)
            pause = min(pause * 2, UsedGrant.longestPause)
        }
    }

    /// Says on the claim that somebody else than the call that started the preview is about to be told of it, where that
    /// could still give the grant back.
    ///
    /// - Returns: False where the approval is not what was read.
    private func share(_ entry: ApprovalLedger.Entry, on claim: ClaimRecord) async throws -> Bool {
        let now = try await previews.currentTime()
        guard UsedGrant.mustBeShared(entry.approval, now: now.earliest) else { return true }
        guard let use = entry.approval.use, let shared = entry.approval.after(.share(use: use)) else { return false }
        return try await store.replace([entry.edit(to: shared)], of: claim.identity) != nil
    }

    /// Waits for the end of a start of this replica, if it is one, but no longer than `limit`.
    private func wait(for end: AsyncStream<Void>?, atMost limit: Duration) async throws {
        guard let end else { return try await previews.time.sleep(limit) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in end {} }
            group.addTask { try await previews.time.sleep(limit) }
            defer { group.cancelAll() }
            try await group.next()
        }
        try Task.checkCancellation()
    }

    /// The session of the living preview that one of the run's approvals became.
    public func session(of approval: Approval) async throws(PreviewError) -> PreviewSession? {
        guard approval.state == .consumed, let fingerprint = approval.preview else { return nil }
        return try await previews.mappingClusterErrors {
            guard let session = try await previews.session(of: approval.run.label, fingerprint: fingerprint) else {
                return nil
            }
            let (claim, entry) = try await find(approval.id, of: approval.run, inIndex: false)
            guard entry.approval.preview == fingerprint, try await share(entry, on: claim) else { return nil }
            return session
        }
    }

    private func mayStillChange(_ approval: Approval, now: Date) -> Bool {
        guard let fingerprint = approval.preview else { return false }
        return now < UsedGrant.latestOutcome(of: approval, ended: previews.mirror.end(of: fingerprint))
    }
}

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
