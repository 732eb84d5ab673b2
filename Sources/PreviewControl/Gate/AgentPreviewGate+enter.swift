internal import FoundationEssentials
internal import Logging
internal import PreviewDomain

/// Whether a caller may go ahead, gets what it asked for already, or waits.
enum Entrance: Sendable {
    case open(Permit)
    /// An earlier call of the same request has started the preview.
    case started(StartedPreview)
    case waiting(WaitingRequest)
}

/// Where a request looks for its run's claim first.
enum ClaimView: Sendable {
    /// This replica's copy, which may be a little behind.
    case copy
    case cluster
}

extension AgentPreviewGate {
    /// How often a write that somebody else's came before is tried anew, each time on what is then on the claim.
    static let maxAttempts = 8

    /// Finds the preview that an earlier call of the same request has started, finds a ground to go ahead, joins the
    /// request that waits already, or raises one.
    func enter(_ request: GateRequest, seeing view: ClaimView) async throws -> Entrance {
        var claim =
            switch view {
            case .copy: try await knownClaim(of: request)
            case .cluster: try await currentClaim(of: request)
            }
        var view = view
        for attempt in 0..<Self.maxAttempts {
            let now = try await previews.currentTime()
            switch try await earlierStart(of: request, on: claim, now: now.earliest) {
            case .preview(let started): return .started(started)
            case .givenBack(let entry, let claim): return .open(Permit(ground: .granted(entry), claim: claim))
            case .ended: break
            }
            // Nobody is to be asked for what could not be started anyway.
            if attempt == 0 {
                try previews.checkBrake()
                try await previews.checkLimits(for: request.run.label)
            }
            if let entry = claim.ledger.entries.first(where: {
                request.matches($0.approval) && $0.approval.isUsable(now: now.latest)
            }) {
                return .open(Permit(ground: .granted(entry), claim: claim))
            }
            let waiting = claim.ledger.entries.first {
                request.matches($0.approval) && $0.approval.state == .pending && now.earliest < $0.approval.deadline
            }
            if let ground = await automaticGround(for: request, on: claim, seeing: view) {
                return .open(Permit(ground: .automatic(ground, waiting: waiting), claim: claim))
            }
            if let waiting { return .waiting(WaitingRequest(entry: waiting, claim: claim)) }
            let approval = try newApproval(for: request, at: now.latest)
            if let written = try await add(approval, to: claim, for: request, now: now),
                let entry = written.ledger.entry(approval.id)
            {
                record(.approvalRequired, approval, on: claim.identity)
                return .waiting(WaitingRequest(entry: entry, claim: written))
            }
            claim = try await currentClaim(of: request)
            view = .cluster
        }
        throw claimIsBusy
    }

    func newApproval(for request: GateRequest, at instant: Date) throws -> Approval {
        Approval(
            id: try randomly { try ApprovalRequestID.mint(randomBytes: $0) },
            run: request.run,
            port: request.port,
            pod: request.sandbox.pod.name,
            podUID: request.sandbox.pod.uid,
            requester: request.requester,
            requestedAt: instant,
            window: policy.window
        )
    }

    /// Writes a new approval, and in the same write ends what it takes the place of.
    ///
    /// The write demands the claim as it was read: two replicas that are asked the same at the same time raise one
    /// request, and a standing grant that was taken away meanwhile no longer counts.
    ///
    /// - Returns: The claim afterwards, or nil when it had changed.
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
                \(ApprovalLedger.maxApprovals) requests of this run are open already. Wait until they are decided, then \
                ask again.
                """,
                retryAfter: max(next, .seconds(1))
            )
        }
        guard let written = try await store.write(annotations, to: claim) else { return nil }
        for approval in ended { record(ending: approval, on: claim.identity) }
        return written
    }

    // MARK: Claims

    /// The claim as this replica knows it, or as the cluster has it.
    private func knownClaim(of request: GateRequest) async throws -> ClaimRecord {
        if let known = index.claim(named: request.run.claimName), known.identity == request.sandbox.claim {
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

    var claimIsBusy: ClusterError { ClusterError(.unavailable, "the run's claim is being changed all the time") }

    /// Draws something random, or says that this replica cannot.
    func randomly<Value>(_ draw: (RandomBytes) throws -> Value) throws -> Value {
        do {
            return try draw(previews.randomBytes)
        } catch {
            previews.logger.critical("no random bytes could be drawn", metadata: ["error": "\(error)"])
            throw ClusterError(.unavailable, "this replica has no source of randomness")
        }
    }
}
