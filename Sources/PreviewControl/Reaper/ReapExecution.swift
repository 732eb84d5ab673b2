internal import FoundationEssentials
public import PreviewDomain

/// What became of a deletion that was due.
public enum ReapOutcome: Hashable, Sendable {
    /// This call deleted the object.
    case reaped(ReapReason)
    /// Somebody else had deleted it.
    case alreadyGone
    /// A second look showed that it has to live on.
    case averted(Rescue)
    /// It could not be deleted, or not be known to be.
    case failed(ClusterError)

    /// What saved an object that was about to be deleted. The raw value labels metrics.
    public enum Rescue: String, Sendable, CaseIterable {
        /// The API server refused the deletion, because somebody had written to the object since it was judged (409).
        case conflict
        /// A live read showed what the copy did not know.
        case secondLook = "second_look"
    }
}

/// Carries out what was decided, after a second look at the cluster.
///
/// A decision rests on a copy. Before the copy's verdict becomes a deletion, whatever is not covered by the deletion's
/// own precondition (UID and resourceVersion of the judged object) is read live: that the pod or the claim is gone, that
/// the other half of the pair is missing. A conflict means that somebody wrote in between, perhaps a keepalive: then the object
/// is read and judged again.
struct ReapExecution: Sendable {
    let objects: any PreviewObjects
    let mirror: ClusterMirror
    let time: any ClusterTime
    let judge: ReapJudge
    let idleFrom: IdleFrom

    /// How long a failed deletion waits before it is tried again.
    static let retryDelay = Duration.seconds(2)
    /// How many deletions are under way at once. A sweep and the deadlines each may have as many, and a third of the requests
    /// that the client sends at once is left for callers even while every deletion hangs.
    static let maxConcurrentDeletions = 10
    /// How often an object that keeps changing is judged anew before it is left to the next round.
    private static let maxVerdicts = 4

    /// Carries out many orders, some of them at once.
    ///
    /// - Parameter record: Gets each order with what came of it.
    func carryOut(_ orders: [ReapOrder], _ record: @escaping @Sendable (ReapOrder, ReapOutcome) -> Void) async {
        await orders.forEach(atOnce: Self.maxConcurrentDeletions) { record($0, await carryOut($0)) }
    }

    /// Carries out one order.
    func carryOut(_ order: ReapOrder) async -> ReapOutcome {
        do throws(ClusterError) {
            return switch order.target {
            case .route(let preview): try await reap(preview, for: order.reason)
            case .backend(let backend): try await reap(backend)
            }
        } catch {
            return .failed(error)
        }
    }

    private func reap(_ judged: Preview, for first: ReapReason) async throws(ClusterError) -> ReapOutcome {
        var preview = judged
        var reason = first
        for _ in 0..<Self.maxVerdicts {
            guard try await isConfirmed(reason, preview) else { return .averted(.secondLook) }
            let outcome = try await objects.deleteRoute(
                preview.token,
                .exactly(uid: preview.uid, resourceVersion: preview.resourceVersion)
            )
            switch outcome {
            case .deleted:
                await deleteBackend(of: preview.token)
                return .reaped(reason)
            case .gone:
                await deleteBackend(of: preview.token)
                return .alreadyGone
            case .changed:
                guard let rewritten = try await objects.route(preview.token) else { return .alreadyGone }
                let verdict = judge.judge(
                    rewritten,
                    pod: reason == .podGone ? .gone : .unknown,
                    claim: reason == .claimGone ? .gone : .unknown,
                    hasBackend: reason == .orphan ? false : nil,
                    now: time.reading()?.earliest,
                    idleFrom: idleFrom
                )
                guard case .reap(let stillDueFor, _) = verdict else { return .averted(.conflict) }
                preview = rewritten
                reason = stillDueFor
            }
        }
        return .averted(.conflict)
    }

    /// The live reads that a reason needs before anything is deleted for it. Age needs none: the deletion's own
    /// precondition holds the annotations that were judged. But whether idleness counts may have changed while others
    /// were deleted.
    private func isConfirmed(_ reason: ReapReason, _ preview: Preview) async throws(ClusterError) -> Bool {
        switch reason {
        case .podGone:
            guard let name = preview.podName else { return false }
            guard let uid = preview.podUID else {
                return try await !objects.livePods().contains { $0.name == name }
            }
            return try await !objects.isLive(PodIdentity(name: name, uid: uid))
        case .claimGone:
            guard let claim = preview.claim else { return false }
            return try await !objects.exists(claim)
        case .orphan:
            return try await objects.backend(preview.token) == nil
        case .idle:
            return time.reading().map { idleFrom(preview.token, $0.earliest) <= $0.earliest } ?? false
        default:
            return true
        }
    }

    private func reap(_ backend: PreviewBackend) async throws(ClusterError) -> ReapOutcome {
        guard try await objects.route(backend.token) == nil else { return .averted(.secondLook) }
        let outcome = try await objects.deleteBackend(
            backend.token,
            .exactly(uid: backend.uid, resourceVersion: backend.resourceVersion)
        )
        return switch outcome {
        case .deleted: .reaped(.orphan)
        case .gone: .alreadyGone
        case .changed: .averted(.conflict)
        }
    }

    /// Ends the other half of a pair whose route is gone. If that fails, it is tried again as for an orphan whose grace
    /// time is over.
    private func deleteBackend(of token: PreviewToken) async {
        do {
            let known: PreviewBackend?
            if case .present(let backend) = mirror.backend(token) {
                known = backend
            } else {
                known = try await objects.backend(token)
            }
            guard let known else { return }
            guard try await objects.deleteBackend(token, .uid(known.uid)) == .changed else { return }
        } catch {
            // The reaper finds out what is wrong when it tries again.
        }
        let instant = (time.reading()?.latest).map { $0 + Self.retryDelay } ?? .distantPast
        mirror.noteEnd(of: token, lookAt: instant)
    }
}

extension Collection where Element: Sendable {
    /// Runs `body` for every element, some at once, and returns when all are done.
    ///
    /// - Parameter limit: How many at once.
    func forEach(atOnce limit: Int, _ body: @escaping @Sendable (Element) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for (position, element) in enumerated() {
                if position >= limit { await group.next() }
                group.addTask { await body(element) }
            }
        }
    }
}
