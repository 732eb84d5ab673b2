internal import FoundationEssentials
internal import PreviewDomain

extension AgentPreviewGate {
    /// How long to wait before asking again for a time that the cluster does not tell.
    private static let unknownTimeDelay = Duration.seconds(1)

    /// Waits until the request is decided, by whoever and on whatever replica, or its deadline has passed.
    ///
    /// - Throws: Why the request was refused.
    func decision(on waiting: WaitingRequest, for request: GateRequest) async throws -> Permit {
        try await withThrowingTaskGroup(of: Permit?.self) { group in
            group.addTask { try await watch(waiting, for: request) }
            group.addTask {
                try await sleep(until: waiting.entry.approval.deadline)
                return try await AnswerDeadline.begin(previews.time) { try await decide(atDeadlineOf: waiting) }
            }
            defer { group.cancelAll() }
            while let permit = try await group.next() {
                if let permit { return permit }
                // The watch ends before there is a decision only when this task is cancelled.
                try Task.checkCancellation()
            }
            throw CancellationError()
        }
    }

    private func watch(_ waiting: WaitingRequest, for request: GateRequest) async throws -> Permit? {
        let id = waiting.entry.approval.id
        var wasSeen = false
        for await claim in index.updates(ofClaimNamed: waiting.claim.identity.name) {
            guard let claim, claim.identity == waiting.claim.identity else { throw refusal(nil) }
            guard let entry = claim.ledger.entry(id) else {
                // The copy may be older than the request itself. What it once had is gone when it is no longer there.
                if wasSeen { throw refusal(nil) }
                continue
            }
            wasSeen = true
            if entry.approval.state == .pending {
                let ground = standingGround(for: request, on: claim, common: index.commonGrants())
                guard let ground else { continue }
                return Permit(ground: .automatic(ground, waiting: entry), claim: claim)
            }
            return try permit(entry, on: claim)
        }
        return nil
    }

    /// Ends the request, unless it was decided in the last moment, or this replica has not heard of the decision.
    private func decide(atDeadlineOf waiting: WaitingRequest) async throws -> Permit {
        var claim = waiting.claim
        var entry = waiting.entry
        for _ in 0..<Self.maxAttempts {
            guard entry.approval.state == .pending else { return try permit(entry, on: claim) }
            if let ended = try await expire(entry, on: claim) { throw refusal(ended) }
            guard let current = try await store.claim(of: entry.approval.run), current.identity == claim.identity,
                let changed = current.ledger.entry(entry.approval.id)
            else { throw refusal(nil) }
            claim = current
            entry = changed
        }
        throw claimIsBusy
    }

    private func permit(_ entry: ApprovalLedger.Entry, on claim: ClaimRecord) throws -> Permit {
        guard entry.approval.state == .granted else { throw refusal(entry.approval) }
        return Permit(ground: .granted(entry), claim: claim)
    }

    /// Takes the step that is due when an approval's time is over.
    ///
    /// - Returns: The approval afterwards; nil when it was another one meanwhile, or its time is not over.
    func expire(_ entry: ApprovalLedger.Entry, on claim: ClaimRecord) async throws -> Approval? {
        let now = try await previews.currentTime()
        guard let ended = entry.approval.after(.expire(now: now.earliest)),
            try await store.replace([entry.edit(to: ended)], of: claim.identity) != nil
        else { return nil }
        record(ending: ended, on: claim.identity)
        return ended
    }

    /// Returns once the cluster's clock certainly shows `instant`.
    private func sleep(until instant: Date) async throws {
        while true {
            let now = previews.clusterTime.reading()?.earliest
            let rest = now.map { instant.duration(since: $0) } ?? Self.unknownTimeDelay
            guard rest > .zero else { return }
            try await previews.time.sleep(rest)
        }
    }
}
