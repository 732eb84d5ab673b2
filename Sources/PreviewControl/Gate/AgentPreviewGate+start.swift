public import PreviewDomain

extension AgentPreviewGate {
    /// Goes through the gate, waits there for as long as it takes, then starts the preview, or hands out the one that an
    /// earlier call of the same request has started, as long as that lives.
    ///
    /// A caller that goes away meanwhile leaves its request waiting, and may come back to use what was decided, or to get
    /// what was started.
    ///
    /// - Parameters:
    ///   - port: The port on which the app in the sandbox listens.
    ///   - requester: The caller: asking again for the same joins the request that waits.
    ///   - onPending: Called once where a human has to decide, with what is asked.
    /// - Throws: A ``PreviewError``; of kind ``PreviewError/Kind/approvalDenied``,
    ///   ``PreviewError/Kind/approvalTimedOut``, ``PreviewError/Kind/approvalWithdrawn`` or
    ///   ``PreviewError/Kind/approvalUsed`` where the gate did not open.
    public func start(
        run: RunID,
        port: Int,
        requester: String,
        onPending: @Sendable (Approval) async -> Void = { _ in }
    ) async throws(PreviewError) -> StartedPreview {
        try await previews.metrics.counting(
            .agent,
            run: run,
            port: port,
            requester: requester,
            started: { $0 }
        ) { () async throws(PreviewError) in
            try previews.checkIsEnabled()
            let port = try previews.checkPort(port)
            return try await previews.asking {
                let request = try await gateRequest(run: run, port: port, requester: requester)
                switch try await pass(request) {
                case .started(let started):
                    return started
                case .waiting(let waiting):
                    await onPending(waiting.entry.approval)
                    return try await start(request, waiting: waiting)
                }
            }
        }
    }

    /// As ``start(run:port:requester:onPending:)``, and returns at once where a human has to decide.
    public func request(
        run: RunID,
        port: Int,
        requester: String
    ) async throws(PreviewError) -> GateAnswer {
        try await previews.metrics.counting(
            .agent,
            run: run,
            port: port,
            requester: requester,
            started: \.started
        ) { () async throws(PreviewError) in
            try previews.checkIsEnabled()
            let port = try previews.checkPort(port)
            return try await previews.asking {
                let request = try await gateRequest(run: run, port: port, requester: requester)
                switch try await pass(request) {
                case .started(let started):
                    return .started(started)
                case .waiting(let waiting):
                    return .pending(waiting.entry.approval)
                }
            }
        }
    }

    private enum Passage: Sendable {
        case started(StartedPreview)
        case waiting(WaitingRequest)
    }

    /// Starts at once where nobody has to be asked.
    ///
    /// A grant or a ground that this replica's copy still holds may be used up or gone. That is no reason to refuse a
    /// caller who has just come: then the cluster itself is looked at.
    private func pass(_ request: GateRequest) async throws -> Passage {
        var view = ClaimView.copy
        for _ in 0..<Self.maxAttempts {
            switch try await enter(request, seeing: view) {
            case .started(let started): return .started(started)
            case .waiting(let waiting): return .waiting(waiting)
            case .open(let permit):
                do {
                    return .started(try await start(request, permit: permit, hasWaited: false))
                } catch is Overtaken {
                    view = .cluster
                }
            }
        }
        throw claimIsBusy
    }

    /// Waits for the decision, then starts what it permits, or joins who was faster. The caller's ``AnswerDeadline`` begins
    /// anew after the wait.
    private func start(_ request: GateRequest, waiting: WaitingRequest) async throws -> StartedPreview {
        var refuted: RefutedGround?
        var course = RequestCourse.undecided
        var attempts = 0
        while attempts < Self.maxAttempts {
            switch course {
            case .undecided:
                course = try await AnswerDeadline.suspend {
                    try await decision(on: waiting, for: request, unless: refuted)
                }
            case .open(let permit):
                attempts += 1
                let common = index.commonGrants()
                do {
                    return try await AnswerDeadline.begin(previews.time) {
                        try await start(request, permit: permit, hasWaited: true)
                    }
                } catch is Overtaken {
                    refuted = RefutedGround(on: permit.claim, common: common)
                    course = try await AnswerDeadline.begin(previews.time) { try await currentCourse(of: waiting) }
                }
            case .used(let entry, let claim):
                attempts += 1
                switch try await AnswerDeadline.begin(previews.time, { try await outcome(of: entry, on: claim) }) {
                case .preview(let started): return started
                case .givenBack(let entry, let claim):
                    course = .open(Permit(ground: .granted(entry), claim: claim))
                case .ended(let approval): throw refusal(approval)
                }
            case .refused(let approval):
                throw refusal(approval)
            }
        }
        throw claimIsBusy
    }

    private func gateRequest(run: RunID, port: TargetPort, requester: String) async throws -> GateRequest {
        let sandbox = try await previews.sandboxes.sandbox(of: run)
        return GateRequest(run: run, port: port, requester: requester, sandbox: sandbox)
    }

    /// Starts what was permitted. From here on the caller's going away stops nothing: a grant that is used up leads to a
    /// preview, which the caller finds when it asks again. It is bounded by its ``AnswerDeadline``.
    ///
    /// - Throws: ``Overtaken`` where the permit does not hold any more and nothing was made.
    private func start(
        _ request: GateRequest,
        permit: Permit,
        hasWaited: Bool
    ) async throws -> StartedPreview {
        try Task.checkCancellation()
        let work = Task {
            let began = previews.time.uptime()
            let sandbox = hasWaited ? try await previews.sandboxes.sandbox(of: request.run) : request.sandbox
            try await check(sandbox, against: request, permit)
            let use = try randomly { try Approval.mintUse(randomBytes: $0) }
            startsUnderWay.begin(use)
            defer { startsUnderWay.end(use) }
            var used: UsedPermit?
            do {
                return try await previews.start(
                    run: request.run,
                    port: request.port,
                    sandbox: sandbox,
                    requester: request.requester,
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
        }
        return try await work.value
    }

    private func check(_ sandbox: BoundSandbox, against request: GateRequest, _ permit: Permit) async throws {
        guard sandbox.pod != request.sandbox.pod || sandbox.claim != request.sandbox.claim else { return }
        try await withdraw(permit, reason: "The run's sandbox pod was replaced.")
        throw PreviewError(
            .approvalWithdrawn,
            """
            The run's sandbox pod was replaced while this request waited, so the approval does not hold for it. Ask again.
            """
        )
    }
}
