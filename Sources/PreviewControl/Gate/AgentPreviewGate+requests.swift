internal import FoundationEssentials
internal import Logging
internal import PreviewDomain

/// Requests on the claim: reading them, creating one, and waiting for its decision.
///
/// Everything that the gate reads and observes in its ``ClusterMirror`` is in this file.
extension AgentPreviewGate {
    // MARK: Reading

    /// The claim in this replica's copy, or as read from the cluster.
    func claim(of request: GateRequest, seeing view: ClaimView) async throws -> ClaimRecord {
        if view == .copy, let known = mirror.claim(named: request.sandbox.claim.name),
            known.identity == request.sandbox.claim
        {
            return known
        }
        return try await currentClaim(of: request)
    }

    func currentClaim(of request: GateRequest) async throws -> ClaimRecord {
        guard let claim = try await store.claim(of: request.run), claim.identity == request.sandbox.claim else {
            throw PreviewError(.noSandbox, "The run's sandbox was replaced just now. Ask again.")
        }
        return claim
    }

    var claimIsBusy: ClusterError { ClusterError(.unavailable, "the run's claim changes too often") }

    /// Generates random bytes, or throws if this replica cannot.
    func withRandomBytes<Value>(_ draw: (RandomBytes) throws -> Value) throws -> Value {
        do {
            return try draw(previews.randomBytes)
        } catch {
            previews.logger.critical("no random bytes could be generated", metadata: ["error": "\(error)"])
            throw ClusterError(.unavailable, "this replica has no source of randomness")
        }
    }

    func cachedCommonGrants() -> StandingGrants? { mirror.commonGrants() }

    func cachedClaim(of run: RunID) -> ClaimRecord? { mirror.claim(of: run) }

    /// - Parameter acceptsCopy: Whether this replica's copy is sufficient if it contains the pending request.
    func find(
        _ id: ApprovalRequestID,
        of run: RunID,
        acceptsCopy: Bool
    ) async throws -> (ClaimRecord, ApprovalLedger.Entry) {
        if acceptsCopy, let claim = cachedClaim(of: run), let entry = claim.ledger.entry(id), entry.approval.run == run,
            entry.approval.state == .pending
        {
            return (claim, entry)
        }
        guard let claim = try await store.claim(of: run), let entry = claim.ledger.entry(id),
            entry.approval.run == run
        else { throw unknownRequest }
        return (claim, entry)
    }

    // MARK: Raising a request

    /// - Returns: The new request; nil if the claim had changed.
    func createRequest(
        _ request: GateRequest,
        on claim: ClaimRecord,
        now: ClusterTimeReading
    ) async throws -> WaitingRequest? {
        let approval = try newApproval(for: request, at: now.latest)
        guard let written = try await add(approval, to: claim, for: request, now: now),
            let entry = written.ledger.entry(approval.id)
        else { return nil }
        record(.approvalRequired, approval, on: claim.identity)
        return WaitingRequest(entry: entry, claim: written)
    }

    func newApproval(for request: GateRequest, at instant: Date) throws -> Approval {
        Approval(
            id: try withRandomBytes { try ApprovalRequestID.mint(randomBytes: $0) },
            run: request.run,
            port: request.port,
            pod: request.sandbox.pod.name,
            podUID: request.sandbox.pod.uid,
            requester: request.requester,
            requestedAt: instant,
            window: policy.window
        )
    }

    /// Writes a new approval, and in the same write removes the one that it replaces.
    ///
    /// The write tests that the claim is unchanged: if two replicas get the same request at the same time, they create
    /// one approval, and a standing grant that was withdrawn in the meantime does not count.
    ///
    /// - Returns: The claim after the write, or nil if it had changed.
    func add(
        _ approval: Approval,
        to claim: ClaimRecord,
        for request: GateRequest,
        now: ClusterTimeReading
    ) async throws -> ClaimRecord? {
        let ended = claim.ledger.entries.compactMap { entry -> Approval? in
            if let expired = entry.approval.after(.expire(now: now.earliest)) { return expired }
            guard request.isOutlived(by: entry.approval) else { return nil }
            return entry.approval.after(.withdraw(reason: "The run's sandbox pod was replaced.", at: now.latest))
        }
        guard let annotations = claim.ledger.annotations(adding: approval, steps: ended) else {
            let next = claim.ledger.nextExpiry.map { $0.duration(since: now.latest) } ?? policy.window
            throw PreviewError(
                .limitReached,
                """
                \(ApprovalLedger.maxApprovals) requests of this run are already open. Wait until they are decided, \
                then ask again.
                """,
                retryAfter: max(next, .seconds(1))
            )
        }
        guard let written = try await store.write(annotations, to: claim) else { return nil }
        for approval in ended { record(ending: approval, on: claim.identity) }
        return written
    }

    // MARK: Waiting

    /// How long to wait before the cluster's time is requested again while it is unknown.
    private static let unknownTimeDelay = Duration.seconds(1)
    /// How often a waiting call reads its claim from the cluster while this replica's watch on claims delivers nothing:
    /// a watch that has failed silently looks like one on claims that do not change.
    private static let silentWatchPause = Duration.seconds(15)

    /// Waits until the request is decided, on any replica, or its deadline has passed.
    ///
    /// - Parameter refuted: A ground in this replica's copy that the cluster did not confirm.
    /// - Throws: The reason for which the request was refused.
    func decision(
        on waiting: WaitingRequest,
        for request: GateRequest,
        unless refuted: RefutedGround?
    ) async throws -> RequestStatus {
        try await withThrowingTaskGroup(of: RequestStatus?.self) { group in
            group.addTask { try await watch(waiting, for: request, unless: refuted) }
            group.addTask { try await pollUntilDeadline(of: waiting, for: request) }
            defer { group.cancelAll() }
            while let status = try await group.next() {
                if let status { return status }
                // The stream ends without a decision only if this task is cancelled.
                try Task.checkCancellation()
            }
            throw CancellationError()
        }
    }

    private func watch(
        _ waiting: WaitingRequest,
        for request: GateRequest,
        unless refuted: RefutedGround?
    ) async throws -> RequestStatus? {
        let id = waiting.entry.approval.id
        var wasSeen = false
        for await claim in mirror.updates(ofClaimNamed: waiting.claim.identity.name) {
            guard let claim, claim.identity == waiting.claim.identity, let entry = claim.ledger.entry(id) else {
                // The copy may be older than the request, and even than the claim, so an object that it does not
                // contain may exist.
                let isOlder = claim?.identity == waiting.claim.identity && !wasSeen
                if !isOlder, let status = try await confirmedStatus(of: waiting) { return status }
                continue
            }
            wasSeen = true
            let common = mirror.commonGrants()
            let isRefuted = refuted?.covers(claim, common: common) == true
            let ground = isRefuted ? nil : standingGround(for: request, on: claim, common: common)
            let status = RequestStatus(entry, on: claim, ground: ground)
            if case .undecided = status { continue }
            return status
        }
        return nil
    }

    /// The state of a request as read from the cluster.
    ///
    /// - Throws: The refusal, if the request no longer exists in the cluster.
    func currentStatus(of waiting: WaitingRequest, for request: GateRequest? = nil) async throws -> RequestStatus {
        let (entry, claim) = try await current(waiting)
        let ground = request.flatMap { standingGround(for: $0, on: claim, common: mirror.commonGrants()) }
        return RequestStatus(entry, on: claim, ground: ground)
    }

    private func current(_ waiting: WaitingRequest) async throws -> (ApprovalLedger.Entry, ClaimRecord) {
        guard let claim = try await store.claim(of: waiting.entry.approval.run),
            claim.identity == waiting.claim.identity, let entry = claim.ledger.entry(waiting.entry.approval.id)
        else { throw refusal(nil) }
        return (entry, claim)
    }

    /// Same as ``currentStatus(of:for:)``; nil if there is no decision, or the cluster cannot be reached: unknown is
    /// not gone.
    private func confirmedStatus(
        of waiting: WaitingRequest,
        for request: GateRequest? = nil
    ) async throws -> RequestStatus? {
        do {
            let status = try await currentStatus(of: waiting, for: request)
            if case .undecided = status { return nil }
            return status
        } catch is ClusterError {
            return nil
        }
    }

    // MARK: Time

    /// Waits for the deadline. Meanwhile it reads the claim if the watch may have failed.
    private func pollUntilDeadline(of waiting: WaitingRequest, for request: GateRequest) async throws -> RequestStatus {
        var activity = mirror.claimActivity
        while true {
            let now = previews.clusterTime.reading()?.earliest
            let rest = now.map { waiting.entry.approval.deadline.duration(since: $0) }
            if let rest, rest <= .zero {
                return try await ResponseDeadline.begin(previews.time) {
                    try await decideAtDeadline(of: waiting, for: request)
                }
            }
            try await previews.time.sleep(min(rest ?? Self.unknownTimeDelay, Self.silentWatchPause))
            let latest = mirror.claimActivity
            if latest == activity, rest != nil, let status = try await confirmedStatus(of: waiting, for: request) {
                return status
            }
            activity = latest
        }
    }

    /// Ends the request, unless it was decided in time; a decision that this replica has not observed counts as well.
    private func decideAtDeadline(of waiting: WaitingRequest, for request: GateRequest) async throws -> RequestStatus {
        let common = try? await store.commonGrants()
        for _ in 0..<GateMachine.maxAttempts {
            let (entry, claim) = try await current(waiting)
            let ground = standingGround(for: request, on: claim, common: common)
            let status = RequestStatus(entry, on: claim, ground: ground)
            guard case .undecided = status else { return status }
            if let ended = try await expire(entry, on: claim) { throw refusal(ended) }
        }
        throw claimIsBusy
    }

    /// Writes the transition that is due when an approval's deadline has passed.
    ///
    /// - Returns: The approval afterwards; nil if it had changed in the meantime, or its deadline has not passed.
    func expire(_ entry: ApprovalLedger.Entry, on claim: ClaimRecord) async throws -> Approval? {
        let now = try await previews.currentTime()
        guard let ended = entry.approval.after(.expire(now: now.earliest)),
            try await store.replace([entry.edit(to: ended)], of: claim.identity) != nil
        else { return nil }
        record(ending: ended, on: claim.identity)
        return ended
    }

    // MARK: Waiting beside the call

    /// The request once it is no longer pending, or in its current state when the wait is over.
    func next(of approval: Approval, within limit: Duration) async throws -> Approval {
        let decided = await withTaskGroup(of: Approval?.self) { group in
            group.addTask {
                for await claim in mirror.updates(ofClaimOf: approval.run) {
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
        return try await ResponseDeadline.begin(previews.time) {
            asOfNow(try await find(approval.id, of: approval.run, acceptsCopy: false).1.approval)
        }
    }
}
