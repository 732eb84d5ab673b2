internal import FoundationEssentials
public import PreviewDomain

/// Sharing of previews: calls of the same request, by the same caller for the same port of the same pod, get one
/// preview. The approval records its fingerprint, and each such call gets its session as long as it lives.
extension AgentPreviewGate {
    /// The results of earlier calls of the same request, the latest first.
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

    /// Waits for the preview of a used approval, or for the return of the grant.
    ///
    /// A start creates the preview right after it has used the grant, so the wait is short: if the replica failed in
    /// between, the used grant has no preview.
    ///
    /// - Parameter found: The preview, if it was just found.
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
            // If the grant was used again, shared, or its start needed another token, the current record applies.
            let isSame = next.text == entry.text
            (entry, claim) = (next, current)
            let now = try await previews.currentTime()
            guard previews.time.uptime() < latest, !isSame || mayStillChange(next.approval, now: now.earliest) else {
                return .ended(next.approval)
            }
            guard isSame else { continue }
            if let left = AnswerDeadline.remaining, left < pause + UsedGrant.lastLook {
                throw Self.mayStillStart(next.approval, now: now.earliest)
            }
            try await wait(for: end, atMost: pause)
            pause = min(pause * 2, UsedGrant.longestPause)
        }
    }

    /// The error for a caller whose time ends before the outcome of an earlier start is known.
    private static func mayStillStart(_ approval: Approval, now: Date) -> PreviewError {
        let rest = UsedGrant.latestOutcome(of: approval).duration(since: now)
        return PreviewError(
            .clusterUnavailable,
            "An earlier call has used the approval of this request, and its preview may still be created. Ask again later.",
            retryAfter: max(rest, .seconds(1))
        )
    }

    /// Records on the claim that a call other than the one that started the preview will return it, if that one could
    /// still return the grant.
    ///
    /// - Returns: False if the approval has changed since it was read.
    private func share(_ entry: ApprovalLedger.Entry, on claim: ClaimRecord) async throws -> Bool {
        let now = try await previews.currentTime()
        guard UsedGrant.mustBeShared(entry.approval, now: now.earliest) else { return true }
        guard let use = entry.approval.use, let shared = entry.approval.after(.share(use: use)) else { return false }
        return try await store.replace([entry.edit(to: shared)], of: claim.identity) != nil
    }

    /// Waits for the end of a start if this replica carries it out, but no longer than `limit`.
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

    /// The session of the living preview that one of the run's approvals started.
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
    /// The run's requests in this replica's copy. It sends no request to the cluster.
    public func knownApprovals(run: RunID) -> [Approval] {
        mirror.read { state in
            guard let claim = state.cluster.claimRecord(of: run) else { return [] }
            return claim.ledger.entries.map(\.approval).filter { $0.run == run }
        }
    }

    /// Calls `changed` when the run's requests are known and whenever they may have changed.
    ///
    /// - Parameter changed: Called by the writer of the copy. It must not block.
    public func observeApprovals(run: RunID, _ changed: @escaping @Sendable () -> Void) -> Observation {
        mirror.observe(claimsNamed: run.claimNames, changed)
    }
}
