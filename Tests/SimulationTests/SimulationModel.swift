import FoundationEssentials
import PreviewDomain
import Synchronization

@testable import PreviewControl
@testable import TestSupport

/// The responses to callers and the changes of the cluster, checked against the invariants of Docs/Simulation.md.
final class SimulationModel: Sendable {
    struct Violation: Hashable, Sendable, CustomStringConvertible {
        let invariant: String
        let what: String

        var description: String { "\(invariant): \(what)" }
    }

    /// A route and its related objects, just before something happens to it.
    struct Snapshot: Sendable {
        let preview: Preview?
        let hasBackend: Bool
        let podIsLive: Bool
    }

    private struct Promise {
        /// The latest instant until which a caller was promised the preview.
        var until = Date.distantPast
        var stopWasRequested = false
        /// Whether a viewer pings it, and has not missed a ping.
        var isWatched = false
    }

    private struct Approved {
        let run: RunID
        let at: Duration
    }

    private struct StartCall {
        let run: RunLabel
        var mostOfRun: Int
        var mostOverall: Int
    }

    private struct State {
        var violation: Violation?
        var promises: [PreviewToken: Promise] = [:]
        var answered: Set<PreviewToken> = []
        var calls: [Int: StartCall] = [:]
        var nextCall = 0
        /// The token that each approval led to, once a caller was told of it.
        var usedGrants: [ApprovalRequestID: PreviewToken] = [:]
        var approvalOfToken: [PreviewToken: ApprovalRequestID] = [:]
        /// The approvals that were acknowledged to a human.
        var approved: [ApprovalRequestID: Approved] = [:]
        var waiting: [ApprovalRequestID: Duration] = [:]
        var lastClaims: [String: [String: String]] = [:]
        var incompletePairs: [PreviewToken: Date] = [:]
    }

    private let state = Mutex(State())
    private let world: SimulatedWorld

    init(_ world: SimulatedWorld) { self.world = world }

    var violation: Violation? { state.withLock { $0.violation } }
    private var policy: PreviewPolicy { world.policy }
    private var now: Date { world.cluster.now }

    func fail(_ invariant: String, _ what: String) {
        world.addToHistory("VIOLATION \(invariant): \(what)")
        state.withLock { $0.violation = $0.violation ?? Violation(invariant: invariant, what: what) }
    }

    // MARK: Changes of the cluster

    func snapshot(of token: PreviewToken) -> Snapshot {
        world.cluster.state.withLock { cluster in
            let preview = cluster.routes[token]?.preview
            let pod = preview.flatMap { preview in
                cluster.pods.first { $0.key.uid == preview.podUID && $0.value }
            }
            return Snapshot(preview: preview, hasBackend: cluster.backends[token] != nil, podIsLive: pod != nil)
        }
    }

    func serviceWasCreated(_ blueprint: PreviewBlueprint, by replica: Int) {
        let annotations = blueprint.annotations
        world.addToHistory("replica \(replica) creates a Service of \(annotations.token.fingerprint)")
        let sandbox = world.cluster.state.withLock { $0.sandboxes[annotations.runID] }
        if let sandbox, sandbox.claim.uid == annotations.claimUID, blueprint.selector != sandbox.selector {
            fail("I7", "a Service selects a pod of another run")
        }
        checkConsent(annotations.token, run: annotations.runID, requester: annotations.owner)
    }

    func routeWasCreated(_ preview: Preview, by replica: Int) {
        world.addToHistory("replica \(replica) creates a route of \(preview.token.fingerprint)")
        if let run = preview.runID { checkConsent(preview.token, run: run, requester: preview.owner ?? "") }
        let (all, ofRun) = counts(preview.run)
        state.withLock { state in
            for (id, call) in state.calls {
                state.calls[id]?.mostOverall = max(call.mostOverall, all)
                if call.run == preview.run { state.calls[id]?.mostOfRun = max(call.mostOfRun, ofRun) }
            }
        }
    }

    private func checkConsent(_ token: PreviewToken, run: RunID, requester: String) {
        guard requester == SimulatedWorld.agent else { return }
        let fingerprint = token.fingerprint
        guard let approval = world.cluster.approvals(of: run).first(where: { $0.preview == fingerprint }),
            approval.state == .consumed
        else { return fail("I1", "something was created for an agent without a recorded grant") }
        let startedToken = state.withLock { state in
            state.approvalOfToken[token] = approval.id
            return state.usedGrants[approval.id]
        }
        if let startedToken, startedToken != token { fail("I2", "one grant has started two previews") }
    }

    private func counts(_ run: RunLabel?) -> (all: Int, ofRun: Int) {
        world.cluster.state.withLock { cluster in
            let living = cluster.routes.values.compactMap(\.preview).filter { !$0.isBeingDeleted }
            return (living.count, living.count { $0.run == run })
        }
    }

    func routeWasDeleted(
        _ token: PreviewToken,
        _ before: Snapshot,
        _ precondition: DeletionPrecondition,
        by replica: Int
    ) {
        world.addToHistory("replica \(replica) deletes the route of \(token.fingerprint)")
        let promise = state.withLock { $0.promises[token] }
        guard let preview = before.preview, let promise, !promise.stopWasRequested else { return }
        guard case .exactly = precondition else {
            return fail("I10", "a preview that somebody was told of was taken back")
        }
        if !before.podIsLive || now >= preview.effectiveMaxUntil(policy: policy.lifetime) { return }
        if !before.hasBackend {
            if now < preview.createdAt + policy.orphanGrace { fail("I6", "a pair was ended before its grace was over") }
            return
        }
        if now < promise.until {
            return fail("I4", "a preview was deleted \(promise.until.duration(since: now)) too early")
        }
        if promise.isWatched { fail("I15", "a preview whose viewer pings was deleted for idleness") }
    }

    func serviceWasDeleted(_ token: PreviewToken, _ precondition: DeletionPrecondition, by replica: Int) {
        world.addToHistory("replica \(replica) deletes the Service of \(token.fingerprint)")
        guard let preview = snapshot(of: token).preview, !preview.isBeingDeleted,
            state.withLock({ $0.promises[token]?.stopWasRequested == false })
        else { return }
        fail("I6", "the Service of a preview that lives was deleted")
    }

    /// An acknowledged approval must last: the request is never pending, denied or timed out afterwards.
    func checkClaims() {
        let approved = state.withLock { $0.approved }
        guard !approved.isEmpty else { return }
        for run in SimulatedWorld.runs {
            let annotations = world.cluster.claimAnnotations(of: run)
            let isNew = state.withLock { state in
                guard state.lastClaims[run.text] != annotations else { return false }
                state.lastClaims[run.text] = annotations
                return true
            }
            guard isNew else { continue }
            for approval in ApprovalLedger(annotations: annotations).entries.map(\.approval) {
                guard approved[approval.id] != nil else { continue }
                switch approval.state {
                case .granted, .consumed, .withdrawn: break
                case .pending, .denied, .timedOut: fail("consent", "an approval that was acknowledged was undone")
                }
            }
        }
    }

    // MARK: Responses to callers

    func callBegins(_ run: RunID) -> Int {
        let (all, ofRun) = counts(run.label)
        return state.withLock { state in
            state.nextCall += 1
            state.calls[state.nextCall] = StartCall(run: run.label, mostOfRun: ofRun, mostOverall: all)
            return state.nextCall
        }
    }

    func callEnded(_ id: Int) { state.withLock { $0.calls[id] = nil } }

    func startWasAnswered(_ call: Int, run: RunID, _ started: StartedPreview) {
        let session = started.session
        world.addToHistory("a caller is told of \(session.token.fingerprint), ready: \(session.readiness.isReady)")
        let (approval, startedToken) = state.withLock { state -> (ApprovalRequestID?, PreviewToken?) in
            var promise = state.promises[session.token] ?? Promise()
            promise.until = max(promise.until, session.expiresAt)
            state.promises[session.token] = promise
            guard let id = state.approvalOfToken[session.token] else { return (nil, nil) }
            defer { state.usedGrants[id] = state.usedGrants[id] ?? session.token }
            return (id, state.usedGrants[id])
        }
        if approval != nil, let startedToken, startedToken != session.token {
            fail("I2", "one grant was told as two previews")
        }
        if session.readiness.isReady, state.withLock({ !$0.answered.contains(session.token) }) {
            fail("I16", "an address was called ready that never answered")
        }
        let living = world.cluster.liveRoutes
        let promised = state.withLock { state in living.count { state.promises[$0] != nil } }
        if promised > policy.limits.global { fail("I12", "more previews were handed out than may exist") }
    }

    func startWasRefused(_ call: Int, run: RunID, _ error: PreviewError) {
        world.addToHistory("a start is refused: \(error.kind.rawValue)")
        guard error.kind == .limitReached, !error.message.contains("requests of this run") else { return }
        guard let most = state.withLock({ $0.calls[call] }) else { return }
        if most.mostOfRun < policy.limits.perRun, most.mostOverall < policy.limits.global {
            fail("truth", "a start was refused for a limit that was not reached at any moment of the call")
        }
    }

    func appAnswered(_ token: PreviewToken) { state.withLock { _ = $0.answered.insert(token) } }

    func pingWasAnswered(_ token: PreviewToken, sentAt sent: Date, _ kept: KeepaliveResult) {
        if kept.expiresAt < min(sent + policy.lifetime.idleTimeout, kept.maxUntil) {
            fail("I4", "a keepalive was acknowledged for less than the idle time-out")
        }
        state.withLock { state in
            guard var promise = state.promises[token] else { return }
            promise.until = max(promise.until, kept.expiresAt)
            state.promises[token] = promise
        }
    }

    /// - Parameter before: The preview when the call began.
    func tokenWasNotFound(_ token: PreviewToken, before: Snapshot) {
        world.addToHistory("a caller is told that \(token.fingerprint) does not exist")
        if let first = before.preview, before.podIsLive, before.hasBackend,
            now < first.effectiveMaxUntil(policy: policy.lifetime),
            state.withLock({ $0.promises[token]?.isWatched == true && $0.promises[token]?.stopWasRequested == false })
        {
            fail("I15", "a viewer that pings was told that the preview is over")
        }
        let after = snapshot(of: token)
        guard let preview = after.preview, before.preview?.uid == preview.uid, !preview.isBeingDeleted,
            state.withLock({ $0.promises[token]?.stopWasRequested == false }),
            now + .seconds(2) < preview.deadline(policy: policy.lifetime),
            let first = before.preview, now + .seconds(2) < first.deadline(policy: policy.lifetime)
        else { return }
        fail("truth", "a caller was told that a preview does not exist which lives")
    }

    /// The latest instant until which a caller was promised the preview.
    func promisedExpiry(of token: PreviewToken) -> Date? { state.withLock { $0.promises[token]?.until } }

    func stopBegins(_ token: PreviewToken) { state.withLock { $0.promises[token]?.stopWasRequested = true } }
    func watch(_ token: PreviewToken, _ isWatched: Bool) {
        state.withLock { $0.promises[token]?.isWatched = isWatched }
    }

    func wasApproved(_ approval: Approval, run: RunID) {
        world.addToHistory("approved: \(approval.id.text.prefix(8))")
        state.withLock { $0.approved[approval.id] = Approved(run: run, at: world.executor.now) }
    }

    func waits(for id: ApprovalRequestID, _ isWaiting: Bool) {
        state.withLock { $0.waiting[id] = isWaiting ? world.executor.now : nil }
    }

    // MARK: Progress

    /// How late a waiting call may be answered after a decision while nothing fails. A watch that delivers nothing
    /// takes longer, and counts as a failure.
    private static let maxDecisionDelay = Duration.seconds(13)

    /// Checks what must hold once nothing has failed for a while.
    func checkProgress() {
        let quiet = world.executor.now - world.lastDisturbance
        for (id, since) in state.withLock({ $0.waiting }) {
            guard let approved = state.withLock({ $0.approved[id] }) else { continue }
            let latest = max(approved.at, since, world.lastDisturbance)
            if world.executor.now - latest > Self.maxDecisionDelay {
                fail("waiter", "a call waits on after its request was approved")
            }
        }
        if !world.hasReadyReplica, world.hasEstablishedReplica {
            fail("readiness", "no replica takes requests although one can answer them")
        }
        let incompletePairs = currentIncompletePairs()
        guard quiet > policy.outageGrace + policy.sweepInterval * 2 + .seconds(30) else { return }
        let slack = policy.sweepInterval + .seconds(10)
        let now = now
        for preview in world.cluster.state.withLock({ $0.routes.values.compactMap(\.preview) }) {
            let end = preview.deadline(policy: policy.lifetime)
            if now > end + slack { fail("I5", "a preview outlives its deadline by \(now.duration(since: end))") }
        }
        if incompletePairs.contains(where: { now > $0.value + policy.orphanGrace + slack }) {
            fail("I6", "half of a pair is left")
        }
    }

    /// The previews of which only one object exists, and since when.
    private func currentIncompletePairs() -> [PreviewToken: Date] {
        let routes = Set(world.cluster.liveRoutes)
        let incompletePairs = routes.symmetricDifference(world.cluster.liveBackends)
        let now = now
        return state.withLock { state in
            state.incompletePairs = Dictionary(
                uniqueKeysWithValues: incompletePairs.map { ($0, state.incompletePairs[$0] ?? now) }
            )
            return state.incompletePairs
        }
    }

    /// Checks what must hold once all callers have left and everything has expired.
    func checkEnd() {
        if !world.cluster.liveRoutes.isEmpty { fail("I5", "previews are left that nobody looks at") }
        if !world.cluster.liveBackends.isEmpty { fail("I6", "Services are left that no preview has") }
        let open = SimulatedWorld.runs.flatMap { world.cluster.approvals(of: $0) }.filter { $0.state == .pending }
        if !open.isEmpty { fail("consent", "requests are still pending after their deadline") }
    }
}
