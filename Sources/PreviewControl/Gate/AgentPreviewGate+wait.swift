internal import FoundationEssentials
internal import PreviewDomain

extension AgentPreviewGate {
    /// How long to wait before asking again for a time that the cluster does not tell.
    private static let unknownTimeDelay = Duration.seconds(1)
    /// How often a waiting call looks at its claim in the cluster while this replica's watch over claims brings nothing at
    /// all: a watch that has died silently looks like one over claims that nobody changes.
    private static let silentWatchPause = Duration.seconds(15)

    /// Waits until the request is decided, by whoever and on whatever replica, or its deadline has passed.
    ///
    /// - Parameter refuted: A ground of this replica's copy that the cluster did not confirm.
    /// - Throws: Why the request was refused.
    func decision(
        on waiting: WaitingRequest,
        for request: GateRequest,
        unless refuted: RefutedGround?
    ) async throws -> RequestCourse {
        try await withThrowingTaskGroup(of: RequestCourse?.self) { group in
            group.addTask { try await watch(waiting, for: request, unless: refuted) }
            group.addTask { try await lookNowAndThen(at: waiting, for: request) }
            defer { group.cancelAll() }
            while let course = try await group.next() {
                if let course { return course }
                // The watch ends before there is a decision only when this task is cancelled.
                try Task.checkCancellation()
            }
            throw CancellationError()
        }
    }

    private func watch(
        _ waiting: WaitingRequest,
        for request: GateRequest,
        unless refuted: RefutedGround?
    ) async throws -> RequestCourse? {
        let id = waiting.entry.approval.id
        var wasSeen = false
        for await claim in index.updates(ofClaimNamed: waiting.claim.identity.name) {
            guard let claim, claim.identity == waiting.claim.identity, let entry = claim.ledger.entry(id) else {
                // The copy may be older than the request, and even than the claim. What it does not have may be there.
                let isOlder = claim?.identity == waiting.claim.identity && !wasSeen
                if !isOlder, let course = try await confirmedCourse(of: waiting) { return course }
                continue
            }
            wasSeen = true
            let common = index.commonGrants()
            let isRefuted = refuted?.covers(claim, common: common) == true
            let ground = isRefuted ? nil : standingGround(for: request, on: claim, common: common)
            let course = RequestCourse(entry, on: claim, ground: ground)
            if case .undecided = course { continue }
            return course
        }
        return nil
    }

    /// The course of a request as the cluster has it.
    ///
    /// - Throws: The refusal, where the cluster has no such request any more.
    func currentCourse(of waiting: WaitingRequest, for request: GateRequest? = nil) async throws -> RequestCourse {
        let (entry, claim) = try await current(waiting)
        let ground = request.flatMap { standingGround(for: $0, on: claim, common: index.commonGrants()) }
        return RequestCourse(entry, on: claim, ground: ground)
    }

    private func current(_ waiting: WaitingRequest) async throws -> (ApprovalLedger.Entry, ClaimRecord) {
        guard let claim = try await store.claim(of: waiting.entry.approval.run),
            claim.identity == waiting.claim.identity, let entry = claim.ledger.entry(waiting.entry.approval.id)
        else { throw refusal(nil) }
        return (entry, claim)
    }

    /// As ``currentCourse(of:for:)``; nil where there is no decision, or the cluster cannot be asked: unknown is not gone.
    private func confirmedCourse(
        of waiting: WaitingRequest,
        for request: GateRequest? = nil
    ) async throws -> RequestCourse? {
        do {
            let course = try await currentCourse(of: waiting, for: request)
            if case .undecided = course { return nil }
            return course
        } catch is ClusterError {
            return nil
        }
    }

    // MARK: Time

    /// Waits for the deadline. Until then it looks at the claim where the watch may have died.
    private func lookNowAndThen(at waiting: WaitingRequest, for request: GateRequest) async throws -> RequestCourse {
        var activity = index.claimActivity
        while true {
            let now = previews.clusterTime.reading()?.earliest
            let rest = now.map { waiting.entry.approval.deadline.duration(since: $0) }
            if let rest, rest <= .zero {
                return try await AnswerDeadline.begin(previews.time) {
                    try await decideAtDeadline(of: waiting, for: request)
                }
            }
            try await previews.time.sleep(min(rest ?? Self.unknownTimeDelay, Self.silentWatchPause))
            let latest = index.claimActivity
            if latest == activity, rest != nil, let course = try await confirmedCourse(of: waiting, for: request) {
                return course
            }
            activity = latest
        }
    }

    /// Ends the request, unless it was decided in time: what this replica has not heard of counts as well.
    private func decideAtDeadline(of waiting: WaitingRequest, for request: GateRequest) async throws -> RequestCourse {
        let common = try? await store.commonGrants()
        for _ in 0..<Self.maxAttempts {
            let (entry, claim) = try await current(waiting)
            let ground = standingGround(for: request, on: claim, common: common)
            let course = RequestCourse(entry, on: claim, ground: ground)
            guard case .undecided = course else { return course }
            if let ended = try await expire(entry, on: claim) { throw refusal(ended) }
        }
        throw claimIsBusy
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
}
