internal import Logging
public import PreviewDomain

/// Starts previews for agents: nothing is created, patched or labelled before a grant is recorded.
///
/// A request waits as an annotation on the run's claim, so it can be decided on any replica, and a replica that fails
/// loses only its callers' connections. Authorisation takes place before any of these methods is called.
///
/// Call graph:
///
/// ```
/// routes, MCP ──▶ AgentPreviewGate ──events──▶ GateMachine (decides)
///                   │        ◀──actions──
///                   ├── +requests   reads and creates requests, waits ──▶ ApprovalStore, ClusterMirror
///                   ├── +grounds    finds what approves automatically ──▶ RunFactsSource
///                   ├── +use        uses a permit, returns it ──▶ Previews.start
///                   ├── +follow     shares the preview of another call, as UsedGrantMachine decides ──▶ Previews.join
///                   └── +messages   refusals and timeline entries ──▶ Timeline
/// consoles ─────▶ +decisions        approve, deny (HumanDecision decides), list
/// ApprovalExpiryController ─▶ +requests: ends what no call waits for
/// ```
public struct AgentPreviewGate: Sendable {
    let policy: ApprovalPolicy
    let previews: Previews
    let store: any ApprovalStore
    let mirror: ClusterMirror
    let facts: (any RunFactsSource)?
    let timeline: any Timeline
    let startsInProgress = StartsInProgress()

    /// - Parameters:
    ///   - previews: Starts approved previews.
    ///   - store: Stores approvals.
    ///   - mirror: This replica's copy of them.
    ///   - facts: Further information about runs; nil if no core API is configured.
    ///   - timeline: Receives the requests and decisions.
    init(
        policy: ApprovalPolicy,
        previews: Previews,
        store: any ApprovalStore,
        mirror: ClusterMirror,
        facts: (any RunFactsSource)?,
        timeline: any Timeline
    ) {
        self.policy = policy
        self.previews = previews
        self.store = store
        self.mirror = mirror
        self.facts = facts
        self.timeline = timeline
    }

    /// The longest time for which ``start(run:port:requester:onPending:)`` waits for a decision.
    public var approvalWindow: Duration { policy.window }

    /// Whether owners of runs may approve for every run. Operators always may.
    public var ownersMayApproveAlways: Bool { policy.ownersMayApproveAlways }

    // MARK: Starting

    /// Requests approval, waits for the decision, then starts the preview, or returns the one that an earlier call of
    /// the same request has started, as long as that lives.
    ///
    /// If the caller is cancelled meanwhile, its request stays pending; repeating the call uses the decision or returns
    /// the started preview.
    ///
    /// - Parameters:
    ///   - port: The port on which the app in the sandbox listens.
    ///   - requester: The caller: repeating the request joins the pending one.
    ///   - hostHeader: The host that the app receives; the policy's value if the caller does not specify one.
    ///   - onPending: Called once if a human has to decide, with the request.
    /// - Throws: A ``PreviewError``; of kind ``PreviewError/Kind/approvalDenied``,
    ///   ``PreviewError/Kind/approvalTimedOut``, ``PreviewError/Kind/approvalWithdrawn`` or
    ///   ``PreviewError/Kind/approvalUsed`` if the request was not granted.
    public func start(
        run: RunID,
        port: Int,
        requester: String,
        hostHeader: HostHeader? = nil,
        onPending: @Sendable (Approval) async -> Void = { _ in }
    ) async throws(PreviewError) -> StartedPreview {
        try await enter(run: run, port: port, requester: requester, hostHeader, started: { $0 }) { request, machine in
            switch try await decide(request, &machine) {
            case .started(let started):
                return started
            case .pending(let approval):
                await onPending(approval)
                return try await wait(request, &machine)
            }
        }
    }

    /// Same as ``start(run:port:requester:onPending:)``, but returns at once if a human has to decide.
    public func request(
        run: RunID,
        port: Int,
        requester: String,
        hostHeader: HostHeader? = nil
    ) async throws(PreviewError) -> GateDecision {
        try await enter(run: run, port: port, requester: requester, hostHeader, started: \.started) {
            request,
            machine in
            try await decide(request, &machine)
        }
    }

    /// - Parameters:
    ///   - started: Returns the preview of a result, if it has one.
    ///   - work: What the call does with its machine.
    private func enter<Value: Sendable>(
        run: RunID,
        port: Int,
        requester: String,
        _ hostHeader: HostHeader?,
        started: @Sendable (Value) -> StartedPreview?,
        _ work: (GateRequest, inout GateMachine) async throws -> Value
    ) async throws(PreviewError) -> Value {
        try await previews.metrics.counting(
            .agent,
            run: run,
            port: port,
            requester: requester,
            started: started
        ) { () async throws(PreviewError) in
            try previews.checkIsEnabled()
            let port = try previews.checkPort(port)
            return try await previews.mappingClusterErrors {
                let request = GateRequest(
                    run: run,
                    port: port,
                    requester: requester,
                    sandbox: try await previews.sandboxes.sandbox(of: run),
                    hostHeader: hostHeader
                )
                var machine = GateMachine(request)
                return try await work(request, &machine)
            }
        }
    }

    // MARK: Running the machine

    /// Starts at once if no human has to decide; otherwise returns once the request is pending.
    private func decide(_ request: GateRequest, _ machine: inout GateMachine) async throws -> GateDecision {
        var action = machine.begin()
        while true {
            switch action {
            case .finish(let started): return .started(started)
            case .notifyCaller(let waiting): return .pending(waiting.entry.approval)
            default: action = try await perform(action, for: request, &machine)
            }
        }
    }

    /// Waits for the decision, then starts the preview, or joins the start of another call.
    private func wait(_ request: GateRequest, _ machine: inout GateMachine) async throws -> StartedPreview {
        var action = machine.callerWasNotified()
        while true {
            if case .finish(let started) = action { return started }
            action = try await perform(action, for: request, &machine)
        }
    }

    /// Performs one action and reports its result. The caller's ``ResponseDeadline`` is suspended during the wait and
    /// starts again after it.
    private func perform(
        _ action: GateMachine.Action,
        for request: GateRequest,
        _ machine: inout GateMachine
    ) async throws -> GateMachine.Action {
        switch action {
        case .readClaim(let view):
            let claim = try await claim(of: request, seeing: view)
            return machine.claimWasRead(claim, now: try await previews.currentTime())
        case .followEarlierStarts(let claim, let now):
            return machine.earlierStartsWereFollowed(
                try await earlierStart(of: request, on: claim, now: now.earliest)
            )
        case .checkCapacity:
            try await checkThatRunHasNotEnded(request.run)
            try previews.checkBrake()
            try await previews.checkLimits(for: request.run)
            return machine.capacityWasChecked()
        case .findGround(let claim, let view):
            return machine.groundWasSought(await automaticGround(for: request, on: claim, seeing: view))
        case .createRequest(let claim, let now):
            return machine.requestWasCreated(try await createRequest(request, on: claim, now: now))
        case .wait(let waiting, let refuted):
            let status = try await ResponseDeadline.suspend {
                try await decision(on: waiting, for: request, unless: refuted)
            }
            return machine.statusWasRead(status)
        case .readRequest(let waiting):
            return machine.statusWasRead(
                try await ResponseDeadline.begin(previews.time) { try await currentStatus(of: waiting) }
            )
        case .start(let permit, let hasWaited):
            let common = cachedCommonGrants()
            do {
                return machine.startSucceeded(try await start(request, permit: permit, hasWaited: hasWaited))
            } catch is WriteConflict {
                return machine.startConflicted(common: common)
            }
        case .followUsedGrant(let entry, let claim):
            // Who has waited for a human can wait until it is known.
            let limit = UsedGrantOutcome.longestStart + ResponseDeadline.limit
            return machine.usedGrantWasFollowed(
                try await ResponseDeadline.begin(previews.time, limit: limit) {
                    try await outcome(of: entry, on: claim)
                }
            )
        case .refuse(let approval):
            throw refusal(approval)
        case .giveUp(.claimIsBusy):
            throw claimIsBusy
        case .giveUp(.groundIsGone):
            throw groundIsGone
        case .notifyCaller, .finish, .giveUp(.unexpectedEvent):
            throw eventsOutOfOrder()
        }
    }

    /// A fault of this service: a machine's runner reported an event that did not belong to the state.
    func eventsOutOfOrder() -> ClusterError {
        previews.logger.error("the gate's events arrived out of order")
        return ClusterError(.unavailable, "the outcome of the request is unknown")
    }
}
