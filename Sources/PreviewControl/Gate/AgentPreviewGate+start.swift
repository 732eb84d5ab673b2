public import PreviewDomain

extension AgentPreviewGate {
    /// Goes through the gate, waits there for as long as it takes, then starts the preview.
    ///
    /// A caller that goes away meanwhile leaves its request waiting, and may come back to use what was decided.
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
        try await previews.metrics.counting(.agent, started: { $0 }) { () async throws(PreviewError) in
            let port = try previews.admit(port)
            return try await previews.asking {
                let request = try await gateRequest(run: run, port: port, requester: requester)
                switch try await pass(request) {
                case .started(let started):
                    return started
                case .waiting(let waiting):
                    await onPending(waiting.entry.approval)
                    let permit = try await AnswerDeadline.suspend { try await decision(on: waiting, for: request) }
                    return try await AnswerDeadline.begin(previews.time) {
                        try await start(request, permit: permit, hasWaited: true)
                    }
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
        try await previews.metrics.counting(.agent, started: \.started) { () async throws(PreviewError) in
            let port = try previews.admit(port)
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
    /// A grant that this replica's copy of the claim still holds may be used up. That is no reason to refuse a caller who
    /// has just come: then the claim itself is looked at.
    private func pass(_ request: GateRequest) async throws -> Passage {
        do {
            return try await pass(request, seeing: .copy)
        } catch let error as PreviewError where error.kind == .approvalUsed {
            return try await pass(request, seeing: .cluster)
        }
    }

    private func pass(_ request: GateRequest, seeing view: ClaimView) async throws -> Passage {
        switch try await enter(request, seeing: view) {
        case .open(let permit): .started(try await start(request, permit: permit, hasWaited: false))
        case .waiting(let waiting): .waiting(waiting)
        }
    }

    private func gateRequest(run: RunID, port: TargetPort, requester: String) async throws -> GateRequest {
        let sandbox = try await previews.sandboxes.sandbox(of: run)
        // Nobody is to be asked for what could not be started anyway.
        try await previews.checkLimits(for: run.label)
        return GateRequest(run: run, port: port, requester: requester, sandbox: sandbox)
    }

    /// Starts what was permitted. From here on the caller's going away stops nothing: a grant that is used up leads to a
    /// preview, which the run's owner finds in the list. It is bounded by its ``AnswerDeadline``.
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
            var isUsed = false
            do {
                return try await previews.start(
                    run: request.run,
                    port: request.port,
                    sandbox: sandbox,
                    requester: request.requester,
                    began: began
                ) {
                    try await use(permit, for: request)
                    isUsed = true
                }
            } catch {
                throw isUsed ? failure(error, after: permit) : error
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

    /// A grant for one request is spent even if the start then fails: to give it back could let it start two previews.
    private func failure(_ error: any Error, after permit: Permit) -> any Error {
        guard case .granted(let entry) = permit.ground, entry.approval.scope == .once || entry.approval.scope == nil
        else { return error }
        let failure = (error as? PreviewError) ?? (error as? ClusterError).map { PreviewError($0) }
        guard let failure else { return error }
        return PreviewError(
            failure.kind,
            "\(failure.message) This attempt has used the approval up, so a new one has to be approved again.",
            retryAfter: failure.retryAfter
        )
    }
}
