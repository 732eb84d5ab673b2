internal import FoundationEssentials
internal import PreviewDomain

/// Decides the steps of one call of an agent, from its first read of the run's claim to its preview or its refusal.
///
/// It is a value that reads no clock and does no I/O. Each method stands for one event, and returns the action to
/// perform next; ``AgentPreviewGate`` performs it and reports its result as the next event. A call goes through these
/// states:
///
/// ```
///  begin
///    │
///    ▼
///  readingClaim ◀───────────────────────────────────────────────────────┐ the claim had changed,
///    │ claimWasRead                                                     │ or startConflicted: read
///    ▼                                 earlier call's preview: finish   │ the cluster
///  followingEarlierStarts ──────────▶  grant returned: starting         │
///    │ none (first time: checkingCapacity)                              │
///    ├──────── usable grant ────────▶  starting ────────────────────────┤
///    ▼                                    ▲                             │
///  findingGround ──────── ground ─────────┘                             │
///    │ no ground        no request yet                                  │
///    ├───────────────────────────────▶  creatingRequest ────────────────┘
///    │ a request waits                    │ requestWasCreated
///    ▼                                    │
///  notifyingCaller ◀──────────────────────┘   (`request(run:port:requester:)` returns here)
///    │ callerWasNotified
///    ▼      undecided
///  waiting ◀───────────── readingRequest ◀── startConflicted ────┐
///    │ statusWasRead            │ (as in waiting)                │
///    ├── granted, or a ground ──┴──────────▶ starting ───────────┴─ startSucceeded ─▶ finish
///    ├── used by another call ─▶ followingUsedGrant ─ its preview ─▶ finish
///    │                                 └─ returned ─▶ starting
///    └── denied, timed out, withdrawn ─▶ refuse
/// ```
///
/// After ``maxAttempts`` rounds in which other writers were faster, it gives up.
///
/// An event that does not belong to the current state ends the call without a start, so a fault in the runner never
/// starts a preview.
struct GateMachine: Sendable {
    /// What the runner does next.
    enum Action: Sendable {
        /// Read the run's claim and the cluster's time. Result: ``GateMachine/claimWasRead(_:now:)``.
        case readClaim(ClaimView)
        /// Find the results of earlier calls of the same request. Result:
        /// ``GateMachine/earlierStartsWereFollowed(_:)``.
        case followEarlierStarts(on: ClaimRecord, now: ClusterTimeReading)
        /// Check the brake and the limits. Result: ``GateMachine/capacityWasChecked()``.
        case checkCapacity
        /// Find a ground to approve automatically. Result: ``GateMachine/groundWasSought(_:)``.
        case findGround(on: ClaimRecord, seeing: ClaimView)
        /// Write a new request. Result: ``GateMachine/requestWasCreated(_:)``.
        case createRequest(on: ClaimRecord, now: ClusterTimeReading)
        /// Tell the caller that a human has to decide. Result: ``GateMachine/callerWasNotified()``.
        case notifyCaller(WaitingRequest)
        /// Wait for the decision. Result: ``GateMachine/statusWasRead(_:)``.
        case wait(WaitingRequest, unless: RefutedGround?)
        /// Read the request from the cluster. Result: ``GateMachine/statusWasRead(_:)``.
        case readRequest(WaitingRequest)
        /// Use the permit and start. Result: ``GateMachine/startSucceeded(_:)``, or ``GateMachine/startConflicted(common:)``.
        case start(Permit, hasWaited: Bool)
        /// Find the result of another call's start. Result: ``GateMachine/usedGrantWasFollowed(_:)``.
        case followUsedGrant(ApprovalLedger.Entry, on: ClaimRecord)

        // The call ends with one of these.
        case finish(StartedPreview)
        case refuse(Approval?)
        case giveUp(GiveUpReason)
    }

    enum GiveUpReason: Hashable, Sendable {
        /// Other writers changed the claim in each attempt.
        case claimIsBusy
        /// What approved the request automatically is gone, and no human was asked.
        case groundIsGone
        /// An event did not belong to the current state.
        case unexpectedEvent
    }

    private enum State: Sendable {
        case initial
        case readingClaim(ClaimView)
        case followingEarlierStarts(Snapshot)
        case checkingCapacity(Snapshot)
        case findingGround(Snapshot, waiting: ApprovalLedger.Entry?)
        case creatingRequest
        case notifyingCaller(WaitingRequest)
        case waiting(WaitingRequest)
        case readingRequest(WaitingRequest)
        /// - Parameter waiting: The request; nil if the call has not waited.
        case starting(Permit, waiting: WaitingRequest?)
        case followingUsedGrant(WaitingRequest)
        case ended
    }

    /// The claim as read by a call that has not waited.
    private struct Snapshot: Sendable {
        let claim: ClaimRecord
        let view: ClaimView
        let now: ClusterTimeReading
    }

    /// How often a write is tried again after another writer was faster, each time with the current claim.
    static let maxAttempts = 8

    private let request: GateRequest
    private var state = State.initial
    /// How often the claim was read since the last start that was overtaken.
    private var reads = 0
    /// How many starts were tried before the call waited.
    private var entries = 0
    /// How many grants were used or followed since the call waited.
    private var attempts = 0
    private var refuted: RefutedGround?
    /// Whether a start on a ground was overtaken before the call waited.
    private var hadInvalidGround = false

    init(_ request: GateRequest) {
        self.request = request
    }

    // MARK: Before a wait

    mutating func begin() -> Action {
        guard case .initial = state else { return unexpected() }
        return readClaim(.copy)
    }

    mutating func claimWasRead(_ claim: ClaimRecord, now: ClusterTimeReading) -> Action {
        guard case .readingClaim(let view) = state else { return unexpected() }
        state = .followingEarlierStarts(Snapshot(claim: claim, view: view, now: now))
        return .followEarlierStarts(on: claim, now: now)
    }

    mutating func earlierStartsWereFollowed(_ outcome: UsedGrantOutcome) -> Action {
        guard case .followingEarlierStarts(let snapshot) = state else { return unexpected() }
        switch outcome {
        case .preview(let started):
            return end(.finish(started))
        case .grantReturned(let entry, let claim):
            return start(Permit(ground: .granted(entry), claim: claim), waiting: nil)
        case .ended where reads == 1:
            // No human has to decide about a preview that could not be started.
            state = .checkingCapacity(snapshot)
            return .checkCapacity
        case .ended:
            return useGrantOrFindGround(snapshot)
        }
    }

    mutating func capacityWasChecked() -> Action {
        guard case .checkingCapacity(let snapshot) = state else { return unexpected() }
        return useGrantOrFindGround(snapshot)
    }

    /// - Parameter ground: The ground for automatic approval; nil if a human has to decide.
    mutating func groundWasSought(_ ground: ApprovalGround?) -> Action {
        guard case .findingGround(let snapshot, let waiting) = state else { return unexpected() }
        if let ground {
            return start(Permit(ground: .automatic(ground, waiting: waiting), claim: snapshot.claim), waiting: nil)
        }
        if let waiting { return notifyCaller(WaitingRequest(entry: waiting, claim: snapshot.claim)) }
        if hadInvalidGround { return end(.giveUp(.groundIsGone)) }
        state = .creatingRequest
        return .createRequest(on: snapshot.claim, now: snapshot.now)
    }

    /// - Parameter written: The new request; nil if the claim had changed.
    mutating func requestWasCreated(_ written: WaitingRequest?) -> Action {
        guard case .creatingRequest = state else { return unexpected() }
        guard let written else { return readClaim(.cluster) }
        return notifyCaller(written)
    }

    private mutating func readClaim(_ view: ClaimView) -> Action {
        guard reads < Self.maxAttempts else { return end(.giveUp(.claimIsBusy)) }
        reads += 1
        state = .readingClaim(view)
        return .readClaim(view)
    }

    private mutating func useGrantOrFindGround(_ snapshot: Snapshot) -> Action {
        let own = snapshot.claim.ledger.entries.filter { request.matches($0.approval) }
        if let granted = own.first(where: { $0.approval.isUsable(now: snapshot.now.latest) }) {
            return start(Permit(ground: .granted(granted), claim: snapshot.claim), waiting: nil)
        }
        let waiting = own.first {
            $0.approval.state == .pending && snapshot.now.earliest < $0.approval.deadline
        }
        state = .findingGround(snapshot, waiting: waiting)
        return .findGround(on: snapshot.claim, seeing: snapshot.view)
    }

    private mutating func notifyCaller(_ waiting: WaitingRequest) -> Action {
        state = .notifyingCaller(waiting)
        return .notifyCaller(waiting)
    }

    // MARK: Waiting

    mutating func callerWasNotified() -> Action {
        guard case .notifyingCaller(let waiting) = state else { return unexpected() }
        return wait(waiting)
    }

    /// The pending request was read, from this replica's copy or from the cluster.
    mutating func statusWasRead(_ status: RequestStatus) -> Action {
        let waiting: WaitingRequest
        switch state {
        case .waiting(let request), .readingRequest(let request): waiting = request
        default: return unexpected()
        }
        guard attempts < Self.maxAttempts else { return end(.giveUp(.claimIsBusy)) }
        switch status {
        case .undecided:
            return wait(waiting)
        case .permitted(let permit):
            attempts += 1
            return start(permit, waiting: waiting)
        case .used(let entry, let claim):
            attempts += 1
            state = .followingUsedGrant(waiting)
            return .followUsedGrant(entry, on: claim)
        case .refused(let approval):
            return end(.refuse(approval))
        }
    }

    mutating func usedGrantWasFollowed(_ outcome: UsedGrantOutcome) -> Action {
        guard case .followingUsedGrant(let waiting) = state else { return unexpected() }
        switch outcome {
        case .preview(let started):
            return end(.finish(started))
        case .grantReturned(let entry, let claim):
            guard attempts < Self.maxAttempts else { return end(.giveUp(.claimIsBusy)) }
            attempts += 1
            return start(Permit(ground: .granted(entry), claim: claim), waiting: waiting)
        case .ended(let approval):
            return end(.refuse(approval))
        }
    }

    private mutating func wait(_ waiting: WaitingRequest) -> Action {
        state = .waiting(waiting)
        return .wait(waiting, unless: refuted)
    }

    // MARK: Starting

    mutating func startSucceeded(_ started: StartedPreview) -> Action {
        guard case .starting = state else { return unexpected() }
        return end(.finish(started))
    }

    /// The permit was no longer valid, and nothing was created.
    ///
    /// A new call is not refused because of this replica's stale copy: it reads the cluster and begins again.
    ///
    /// - Parameter common: The common grants of this replica's copy before the start.
    mutating func startConflicted(common: StandingGrants?) -> Action {
        guard case .starting(let permit, let waiting) = state else { return unexpected() }
        if let waiting {
            refuted = RefutedGround(on: permit.claim, common: common)
            state = .readingRequest(waiting)
            return .readRequest(waiting)
        }
        if case .automatic(_, waiting: nil) = permit.ground { hadInvalidGround = true }
        entries += 1
        guard entries < Self.maxAttempts else { return end(.giveUp(.claimIsBusy)) }
        reads = 0
        return readClaim(.cluster)
    }

    private mutating func start(_ permit: Permit, waiting: WaitingRequest?) -> Action {
        state = .starting(permit, waiting: waiting)
        return .start(permit, hasWaited: waiting != nil)
    }

    // MARK: The end

    private mutating func end(_ action: Action) -> Action {
        state = .ended
        return action
    }

    private mutating func unexpected() -> Action { end(.giveUp(.unexpectedEvent)) }
}

/// Where a request reads its run's claim first.
enum ClaimView: Sendable {
    /// This replica's copy, which may be slightly stale.
    case copy
    case cluster
}

/// The state of a waiting call's own request on the claim.
enum RequestStatus: Sendable {
    /// There is no decision yet.
    case undecided
    /// There is a ground to start.
    case permitted(Permit)
    /// A start has used the grant: the caller gets its preview.
    case used(ApprovalLedger.Entry, ClaimRecord)
    /// The request leads to no preview.
    case refused(Approval)

    /// - Parameters:
    ///   - entry: The caller's request, as it is on `claim`.
    ///   - ground: The ground for automatic approval, if there is one by now.
    init(_ entry: ApprovalLedger.Entry, on claim: ClaimRecord, ground: ApprovalGround?) {
        switch entry.approval.state {
        case .pending:
            self = ground.map { .permitted(Permit(ground: .automatic($0, waiting: entry), claim: claim)) } ?? .undecided
        case .granted: self = .permitted(Permit(ground: .granted(entry), claim: claim))
        case .consumed where entry.approval.preview != nil: self = .used(entry, claim)
        case .consumed, .denied, .timedOut, .withdrawn: self = .refused(entry.approval)
        }
    }
}

/// The claim and the common grants with a ground that the cluster did not confirm: a call that reads the same values
/// again has a stale copy.
struct RefutedGround: Sendable {
    private let claimVersion: String
    private let common: StandingGrants?

    init(on claim: ClaimRecord, common: StandingGrants?) {
        claimVersion = claim.resourceVersion
        self.common = common
    }

    func covers(_ claim: ClaimRecord, common: StandingGrants?) -> Bool {
        claim.resourceVersion == claimVersion && common == self.common
    }
}
