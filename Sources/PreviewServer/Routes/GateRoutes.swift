internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity
internal import Router

/// The agent's start, the pending requests, and the decisions about them.
struct GateRoutes: Sendable {
    let gate: AgentPreviewGate
    let runs: RunGuard
    let address: PreviewAddress
    let waiting: WaitingCalls
    /// Forwards decisions about other tools, and the run's option; `nil` if the router is off.
    var router: CoreRouter?

    /// When to read a pending request again, for callers that do not use `wait`.
    private static let pollInterval = Duration.seconds(5)

    func add(to run: RouterGroup<PreviewRequestContext>) {
        run.post("sandbox/preview", use: start)
        run.get("preview-requests", use: list)
        run.get("preview-requests/:requestId", use: status)
        run.post("tool-approvals", use: approve)
        run.post("tool-denials", use: deny)
        run.post("auto-approve", use: switchAutoApprove)
    }

    // MARK: Requesting

    @Sendable private func start(_ request: Request, _ context: PreviewRequestContext) async throws -> JSONBody {
        let run = try await runs.run(context, for: .startAsAgent)
        let requester = try context.authenticatedCaller.identity
        let body = try await StartBody(reading: request, maxBytes: context.maxUploadSize)
        guard request.prefersAsynchronousResponse else {
            let started = try await waiting.wait(for: run, atMost: gate.approvalWindow, context: context) {
                try await gate.start(
                    run: run,
                    port: body.targetPort,
                    requester: requester,
                    hostHeader: body.hostHeader
                )
            }
            return try JSONBody(started, run: run, address: address)
        }
        let asked = try await gate.request(
            run: run,
            port: body.targetPort,
            requester: requester,
            hostHeader: body.hostHeader
        )
        var response =
            switch asked {
            case .started(let started): try JSONBody(started, run: run, address: address)
            case .pending(let approval): try pending(approval)
            }
        response.headers[.preferenceApplied] = "respond-async"
        return response
    }

    private func pending(_ approval: Approval) throws -> JSONBody {
        var response = try JSONBody(ApprovalBody(approval), status: .accepted)
        response.headers[.location] = ApprovalBody.statusURL(of: approval)
        response.headers[.retryAfter] = "\(Self.pollInterval.wholeSecondsUp)"
        return response
    }

    // MARK: Reading

    @Sendable private func list(_ request: Request, _ context: PreviewRequestContext) async throws -> JSONBody {
        let run = try await runs.run(context, for: .readApprovals)
        return try JSONBody(try await gate.approvals(run: run).map { ApprovalBody($0) })
    }

    @Sendable private func status(_ request: Request, _ context: PreviewRequestContext) async throws -> JSONBody {
        let run = try await runs.run(context, for: .readApprovals)
        let id = try context.parameters.require("requestId")
        let pause = try request.wait(atMost: AgentPreviewGate.maxWait)
        let approval = try await approval(id, of: run, wait: pause, context)
        // The wait for a decision does not count.
        let session =
            pause > .zero
            ? try await ResponseDeadline.renew { try await self.session(of: approval, run: run, context) }
            : try await self.session(of: approval, run: run, context)
        var response = try JSONBody(ApprovalBody(approval, session: session))
        if approval.state == .pending { response.headers[.retryAfter] = "\(Self.pollInterval.wholeSecondsUp)" }
        return response
    }

    /// Only a waiting call takes a place.
    private func approval(
        _ id: String,
        of run: RunID,
        wait pause: Duration,
        _ context: PreviewRequestContext
    ) async throws -> Approval {
        guard pause > .zero else { return try await gate.approval(run: run, requestID: id, wait: .zero) }
        return try await waiting.wait(for: run, atMost: pause, context: context) {
            try await gate.approval(run: run, requestID: id, wait: pause)
        }
    }

    /// The preview that the request started: for its requester, and for callers who may start previews of the run.
    private func session(
        of approval: Approval,
        run: RunID,
        _ context: PreviewRequestContext
    ) async throws -> SessionBody? {
        guard approval.state == .consumed else { return nil }
        if !approval.isRequested(by: try context.authenticatedCaller.identity) {
            guard try await runs.allows(.decide, on: run, context) else { return nil }
        }
        return try await gate.session(of: approval).map { SessionBody($0, run: run, address: address) }
    }

    // MARK: Deciding

    @Sendable private func approve(_ request: Request, _ context: PreviewRequestContext) async throws -> Response {
        let isOperator = try context.authenticatedCaller.role == .operator
        return try await decide(request, context) { run, decision, decider in
            if decision.scope == .always, !isOperator, !gate.ownersMayApproveAlways {
                // The core API decides about a request that is not this service's.
                _ = try await gate.approval(run: run, requestID: decision.requestID)
                throw Self.alwaysIsForOperators
            }
            try await gate.approve(
                run: run,
                requestID: decision.requestID,
                scope: decision.scope,
                by: decider
            )
            return try JSONBody(ApprovedBody(run: run, decision))
        }
    }

    @Sendable private func deny(_ request: Request, _ context: PreviewRequestContext) async throws -> Response {
        try await decide(request, context) { run, decision, decider in
            try await gate.deny(run: run, requestID: decision.requestID, by: decider, reason: decision.reason)
            return try JSONBody(DeniedBody(run: run, decision))
        }
    }

    private static let alwaysIsForOperators = PreviewError(
        .forbidden,
        """
        An approval with scope always applies to every run, and this service is configured to accept it from operators \
        only. Use scope once, run or tool; the request is still pending.
        """
    )

    /// Decides here if the request is this service's. The core API has the same routes for its other tools.
    private func decide(
        _ request: Request,
        _ context: PreviewRequestContext,
        _ work: (RunID, DecisionBody, String) async throws -> JSONBody
    ) async throws -> Response {
        let bytes = try await body(request, context)
        if let router, !DecisionBody.mayConcernThisService(bytes) {
            return try await router.forward(request, body: bytes, context: context)
        }
        let run = try await runs.run(context, for: .decide)
        let decision = try DecisionBody(bytes)
        do {
            return try await work(run, decision, try context.authenticatedCaller.identity)
                .response(from: request, context: context)
        } catch let error as PreviewError where error.kind == .approvalNotFound {
            guard let router else { throw PreviewError(.noPendingApproval, error.message) }
            return try await router.forward(request, body: bytes, context: context)
        }
    }

    /// The option applies to all tools of the run, so it is sent to the core API first: an option that the core API
    /// refuses is not set here. It is removed here first, so that consent can be withdrawn while the core API cannot be
    /// reached, and the core API is told even if the cluster cannot be reached. For a run without a sandbox there is no
    /// claim for it, and it is not needed yet: the core API's value for the run counts as well.
    ///
    /// The core API does not know a ServiceAccount's token, so an operator's option is set here alone.
    @Sendable private func switchAutoApprove(
        _ request: Request,
        _ context: PreviewRequestContext
    ) async throws -> Response {
        let run = try await runs.run(context, for: .decide)
        let bytes = try await body(request, context)
        let option = try AutoApproveBody(bytes)
        let caller = try context.authenticatedCaller
        guard let router, caller.role != .operator else {
            try await gate.setAutoApprove(run: run, to: option.enabled, by: caller.identity)
            return try JSONBody(AutoApproveResponseBody(run: run, isOn: option.enabled))
                .response(from: request, context: context)
        }
        var failedRemoval: PreviewError?
        if !option.enabled {
            do throws(PreviewError) {
                try await setServiceOption(of: run, to: false, by: caller.identity)
            } catch {
                // The core API is told nevertheless.
                failedRemoval = error
            }
        }
        let response = try await passOn(option, of: run, request, router, context)
        // Whatever the core API responds, the caller must not take an option that still approves requests for removed.
        if let failedRemoval { throw failedRemoval }
        guard response.status.kind == .successful else { return response }
        if option.enabled {
            try await setServiceOption(of: run, to: true, by: caller.identity)
        } else {
            gate.forgetFacts(of: run)
        }
        return response
    }

    /// Sends the core API the option as this service has read it, so that both set the same option of the same run: the
    /// core API stores it by the ID as it is in the path, and reads repeated members of the body in another order.
    private func passOn(
        _ option: AutoApproveBody,
        of run: RunID,
        _ request: Request,
        _ router: CoreRouter,
        _ context: PreviewRequestContext
    ) async throws -> Response {
        try await router.forward(
            request,
            to: "/api/runs/\(run.text)/auto-approve",
            body: ByteBuffer(string: #"{"enabled":\#(option.enabled)}"#),
            context: context
        )
    }

    private func setServiceOption(of run: RunID, to isOn: Bool, by caller: String) async throws(PreviewError) {
        do {
            try await gate.setAutoApprove(run: run, to: isOn, by: caller, isAccepted: true)
        } catch {
            guard error.kind == .noSandbox else { throw error }
        }
    }

    private func body(_ request: Request, _ context: PreviewRequestContext) async throws -> ByteBuffer {
        guard request.mayContainJSON else {
            throw APIError(.unsupportedMediaType, "The body must be JSON: send 'Content-Type: application/json'.")
        }
        return try await request.body.collect(upTo: context.maxUploadSize)
    }
}

extension HTTPField.Name {
    /// The caller's preferences that were applied (RFC 7240, section 3).
    // swift-format-ignore: NeverForceUnwrap
    static let preferenceApplied = HTTPField.Name("Preference-Applied")!
}
