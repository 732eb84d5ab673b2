internal import FoundationEssentials
public import PreviewDomain

/// Sharing of previews: calls of the same request, by the same caller for the same port of the same pod, get one
/// preview. The approval records its fingerprint, and each such call gets its session as long as it lives.
extension AgentPreviewGate {
    /// The results of earlier calls of the same request, the latest first.
    func earlierStart(of request: GateRequest, on claim: ClaimRecord, now: Date) async throws -> UsedGrantOutcome {
        let lifetime = previews.policy.lifetime.maxLifetime
        let used = claim.ledger.entries.reversed().filter {
            request.matches($0.approval) && UsedGrantOutcome.mayExist($0.approval, now: now, lifetime: lifetime)
        }
        let fingerprints = Set(used.compactMap(\.approval.preview))
        guard !fingerprints.isEmpty else { return .ended(nil) }
        if let living = try await previews.livingPreview(of: request.run, fingerprints: fingerprints),
            let entry = used.first(where: { $0.approval.preview == living.token.fingerprint })
        {
            switch try await outcome(of: entry, on: claim, found: living) {
            case .ended: break
            case let outcome: return outcome
            }
        }
        for entry in used {
            let end = entry.approval.preview.flatMap(previews.mirror.end)
            guard UsedGrantOutcome.mayStillChange(entry.approval, now: now, ended: end) else { continue }
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
    ) async throws -> UsedGrantOutcome {
        var machine = UsedGrantMachine(used, on: claim, uptime: previews.time.uptime())
        var (action, found) = (machine.begin(), found)
        var end: AsyncStream<Void>?
        while true {
            switch action {
            case .findPreview(let approval):
                // Before the look for what the start makes, so that its end is not missed.
                end = approval.use.flatMap(startsInProgress.end)
                if found == nil, let fingerprint = approval.preview {
                    found = try await previews.livingPreview(of: approval.run, fingerprints: [fingerprint])
                }
                action = machine.previewWasSought(found)
                found = nil
            case .share(let entry, let claim):
                action = machine.previewWasShared(try await share(entry, on: claim))
            case .join(let preview):
                action = machine.previewWasJoined(try await previews.join(preview))
            case .readClaim(let approval):
                let claim = try await store.claim(of: approval.run)
                let preview = claim?.ledger.entry(approval.id)?.approval.preview
                action = machine.claimWasRead(
                    claim,
                    previewEnd: preview.flatMap(previews.mirror.end),
                    now: try await previews.currentTime().earliest,
                    uptime: previews.time.uptime(),
                    timeLeft: ResponseDeadline.remaining
                )
            case .pause(let limit):
                try await wait(for: end, atMost: limit)
                action = machine.pauseEnded()
            case .finish(let outcome):
                return outcome
            case .timeOut(let untilOutcome):
                throw PreviewError(
                    .clusterUnavailable,
                    """
                    An earlier call has used the approval of this request, and its preview may still be created. Ask \
                    again later.
                    """,
                    retryAfter: max(untilOutcome, .seconds(1))
                )
            case .giveUp:
                throw eventsOutOfOrder()
            }
        }
    }

    /// Records on the claim that a call other than the one that started the preview will return it, if that one could
    /// still return the grant.
    ///
    /// - Returns: False if the approval has changed since it was read.
    private func share(_ entry: ApprovalLedger.Entry, on claim: ClaimRecord) async throws -> Bool {
        let now = try await previews.currentTime()
        guard UsedGrantOutcome.mustBeShared(entry.approval, now: now.earliest) else { return true }
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
            guard let session = try await previews.session(of: approval.run, fingerprint: fingerprint) else {
                return nil
            }
            let (claim, entry) = try await find(approval.id, of: approval.run, acceptsCopy: false)
            guard entry.approval.preview == fingerprint, try await share(entry, on: claim) else { return nil }
            return session
        }
    }
}

extension AgentPreviewGate {
    /// The run's requests in this replica's copy. It sends no request to the cluster.
    public func cachedApprovals(run: RunID) -> [Approval] {
        mirror.read { $0.cluster.approvals(of: run) }
    }

    /// The pending requests of all runs in this replica's copy. It sends no request to the cluster.
    public func cachedPendingRequests() -> [RunID: [Approval]] { mirror.read { $0.cluster.pendingRequests } }

    /// Calls `changed` whenever the pending requests of a run may have changed.
    ///
    /// - Parameter changed: Called by the writer of the copy. It must not block.
    public func observePendingRequests(_ changed: @escaping @Sendable () -> Void) -> Observation {
        mirror.observePendingRequests(changed)
    }

    /// Calls `changed` when the run's requests are known and whenever they may have changed.
    ///
    /// - Parameter changed: Called by the writer of the copy. It must not block.
    public func observeApprovals(run: RunID, _ changed: @escaping @Sendable () -> Void) -> Observation {
        mirror.observe(claimsNamed: run.claimNames, changed)
    }
}

/// Decides how a call follows a grant that a start has used: to the preview that the start makes, or until the grant is
/// returned.
///
/// As ``GateMachine``, it reads no clock and does no I/O, and has one method per event, which returns the action to perform
/// next. ``AgentPreviewGate/outcome(of:on:found:)`` performs it.
///
/// ```
///  begin
///    │
///    ▼
///  findingPreview ◀────────────────────────────────────────┐ pauseEnded, or
///    │ found      │ none                                   │ the approval has changed
///    ▼            ▼                                        │
///  sharing ───▶ readingClaim ── still used ──▶ pausing ────┘
///    │     ▲      ├── no time for a pause ───▶ timeOut
///    │     │      ├── granted again ─────────▶ finish(grantReturned)
///    ▼     │      └── over, or too late ─────▶ finish(ended)
///  joining ┘ not written, or the preview has ended: readingClaim
///    │ joined
///    ▼
///  finish(preview)
/// ```
///
/// The start creates its preview right after it has used the grant, so that it is not waited for long: a replica that ended in
/// between leaves a used grant without a preview.
struct UsedGrantMachine: Sendable {
    /// What the runner does next.
    enum Action: Sendable {
        /// Look for the living preview. Result: ``UsedGrantMachine/previewWasSought(_:)``.
        case findPreview(of: Approval)
        /// Write that another call gets the preview. Result: ``UsedGrantMachine/previewWasShared(_:)``.
        case share(ApprovalLedger.Entry, on: ClaimRecord)
        /// Wait until the preview serves. Result: ``UsedGrantMachine/previewWasJoined(_:)``.
        case join(Preview)
        /// Read the claim and the time. Result: ``UsedGrantMachine/claimWasRead(_:previewEnd:now:uptime:timeLeft:)``.
        case readClaim(of: Approval)
        /// Wait for the end of the start, no longer than this. Result: ``UsedGrantMachine/pauseEnded()``.
        case pause(Duration)

        // It ends with one of these.
        case finish(UsedGrantOutcome)
        /// The caller's time ends before the outcome is certain, which it is after this.
        case timeOut(untilOutcome: Duration)
        /// An event did not belong to the state.
        case giveUp
    }

    private enum State: Sendable {
        case initial
        case findingPreview
        case sharing(Preview)
        case joining
        case readingClaim
        case pausing
        case ended
    }

    private var entry: ApprovalLedger.Entry
    private var claim: ClaimRecord
    private var state = State.initial
    private var pause = UsedGrantOutcome.firstPause
    /// The uptime from which a preview is not waited for any more.
    private let latest: Duration

    init(_ entry: ApprovalLedger.Entry, on claim: ClaimRecord, uptime: Duration) {
        self.entry = entry
        self.claim = claim
        latest = uptime + UsedGrantOutcome.longestStart
    }

    mutating func begin() -> Action {
        guard case .initial = state else { return unexpected() }
        return findPreview()
    }

    mutating func previewWasSought(_ preview: Preview?) -> Action {
        guard case .findingPreview = state else { return unexpected() }
        guard let preview else { return readClaim() }
        state = .sharing(preview)
        return .share(entry, on: claim)
    }

    /// - Parameter isShared: False where the approval is not what was read.
    mutating func previewWasShared(_ isShared: Bool) -> Action {
        guard case .sharing(let preview) = state else { return unexpected() }
        guard isShared else { return readClaim() }
        state = .joining
        return .join(preview)
    }

    /// - Parameter started: The preview; nil where it has ended.
    mutating func previewWasJoined(_ started: StartedPreview?) -> Action {
        guard case .joining = state else { return unexpected() }
        guard let started else { return readClaim() }
        return end(.finish(.preview(started)))
    }

    /// - Parameters:
    ///   - current: The run's claim; nil where there is none.
    ///   - previewEnd: How the preview that the approval names on `current` ended, where that is known.
    ///   - now: The earliest instant that the cluster's clock can show.
    ///   - timeLeft: How long the caller can still wait; nil where that has no limit.
    mutating func claimWasRead(
        _ current: ClaimRecord?,
        previewEnd: EndedPreviews.End?,
        now: Date,
        uptime: Duration,
        timeLeft: Duration?
    ) -> Action {
        guard case .readingClaim = state else { return unexpected() }
        guard let current, current.identity == claim.identity, let next = current.ledger.entry(entry.approval.id) else {
            return end(.finish(.ended(nil)))
        }
        switch next.approval.state {
        case .granted: return end(.finish(.grantReturned(next, current)))
        case .pending, .denied, .timedOut, .withdrawn: return end(.finish(.ended(next.approval)))
        case .consumed: break
        }
        // Where it was used again, shared, or had to take another token, that is what counts.
        let isSame = next.text == entry.text
        (entry, claim) = (next, current)
        let mayChange = !isSame || UsedGrantOutcome.mayStillChange(next.approval, now: now, ended: previewEnd)
        guard uptime < latest, mayChange else { return end(.finish(.ended(next.approval))) }
        guard isSame else { return findPreview() }
        if let timeLeft, timeLeft < pause + UsedGrantOutcome.finalCheckTime {
            let untilOutcome = UsedGrantOutcome.latestOutcome(of: next.approval, ended: previewEnd).duration(since: now)
            return end(.timeOut(untilOutcome: untilOutcome))
        }
        defer { pause = min(pause * 2, UsedGrantOutcome.longestPause) }
        state = .pausing
        return .pause(pause)
    }

    mutating func pauseEnded() -> Action {
        guard case .pausing = state else { return unexpected() }
        return findPreview()
    }

    private mutating func findPreview() -> Action {
        state = .findingPreview
        return .findPreview(of: entry.approval)
    }

    private mutating func readClaim() -> Action {
        state = .readingClaim
        return .readClaim(of: entry.approval)
    }

    private mutating func end(_ action: Action) -> Action {
        state = .ended
        return action
    }

    private mutating func unexpected() -> Action { end(.giveUp) }
}

/// What a used grant led to.
enum UsedGrantOutcome: Sendable {
    case preview(StartedPreview)
    /// The start failed, and the grant can be used again.
    case grantReturned(ApprovalLedger.Entry, ClaimRecord)
    /// The preview has ended, or never came to be.
    case ended(Approval?)

    /// The longest time that a start is given from its use of the grant to its route, before it is taken for dead.
    static let longestStart = Duration.seconds(20)
    /// How long after a route has gone its start may still return the grant: the route may have gone because of that.
    static let returnGrace = Duration.seconds(2)
    /// The first pause between two looks for the preview; each later one is twice as long, up to the longest.
    static let firstPause = Duration.milliseconds(20)
    static let longestPause = Duration.seconds(1)
    /// The part of a caller's time that is kept for the look after a pause.
    static let finalCheckTime = Duration.seconds(1)

    /// Until when a preview may still come to be of an approval that is used, or the grant be returned.
    ///
    /// - Parameter end: How the preview ended, where it is known to have.
    static func latestOutcome(of approval: Approval, ended end: EndedPreviews.End? = nil) -> Date {
        let latest = (approval.usedAt ?? approval.decidedAt ?? approval.requestedAt) + longestStart
        return switch end {
        case .stopped: .distantPast
        case .seen(let instant): min(latest, instant + returnGrace)
        case nil: latest
        }
    }

    /// Whether what a start made of the approval may still appear, or the grant be returned.
    static func mayStillChange(_ approval: Approval, now: Date, ended end: EndedPreviews.End?) -> Bool {
        approval.preview != nil && now < latestOutcome(of: approval, ended: end)
    }

    /// Until when the start that has used an approval can return it.
    static func latestReturn(of approval: Approval) -> Date { latestOutcome(of: approval) }

    /// Whether a call that is about to be told of the preview has to say so on the claim first, so that the grant is not
    /// returned afterwards. A write that returns it may take as long again as the start.
    static func mustBeShared(_ approval: Approval, now: Date) -> Bool {
        !approval.isShared && now < latestReturn(of: approval) + longestStart
    }

    /// Whether a preview of the approval may exist, or come to be.
    ///
    /// - Parameter lifetime: The longest life of a preview.
    static func mayExist(_ approval: Approval, now: Date, lifetime: Duration) -> Bool {
        approval.state == .consumed && approval.preview != nil && now < latestOutcome(of: approval) + lifetime
    }
}
