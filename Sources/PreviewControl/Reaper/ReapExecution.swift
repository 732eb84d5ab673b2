internal import FoundationEssentials
public import PreviewDomain

/// The result of a due deletion.
public enum ReapOutcome: Hashable, Sendable {
    /// This call deleted the object.
    case reaped(ReapReason)
    /// Another client had deleted it.
    case alreadyGone
    /// The confirmation showed that it must be kept.
    case averted(Rescue)
    /// It could not be deleted, or its deletion could not be confirmed.
    case failed(ClusterError)

    /// What prevented a deletion. The raw value is a metric label.
    public enum Rescue: String, Sendable, CaseIterable {
        /// The API server refused the deletion, because the object had been written since it was judged (409).
        case conflict
        /// A live read showed a change that the copy did not contain.
        case secondLook = "second_look"
        /// The reason no longer held, which was found out without a request.
        case notDue = "not_due"
    }
}

/// Carries out decisions, after confirming them with the cluster.
///
/// A decision is based on a copy. Before it becomes a deletion, everything that the deletion's precondition (UID and
/// resourceVersion of the judged object) does not cover is read live: that the pod or the claim is gone, or that the
/// counterpart is missing. A conflict means that the object was written in between, perhaps by a keepalive: then the
/// object is read and judged again.
struct ReapExecution: Sendable {
    let objects: any PreviewObjects
    let mirror: ClusterMirror
    let time: any ClusterTime
    let judge: ReapJudge
    let idleFrom: IdleFrom

    /// How long a failed deletion waits before it is retried.
    static let retryDelay = Duration.seconds(2)
    /// The number of concurrent deletions. A sweep and the deadlines each may have as many, so that a third of the
    /// client's concurrent requests remains for callers even while every deletion hangs.
    static let maxConcurrentDeletions = 10
    /// How often an object that keeps changing is judged before its deletion counts as failed.
    private static let maxVerdicts = 4

    /// Carries out many orders, some of them concurrently.
    ///
    /// - Parameter record: Gets each order with its result.
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
        var rescue = ReapOutcome.Rescue.notDue
        for _ in 0..<Self.maxVerdicts {
            switch try await confirmation(of: reason, preview) {
            case .confirmed:
                break
            case .unfounded:
                return .averted(rescue)
            case .refuted:
                // A gone pod takes precedence over the age, so the age was not judged yet.
                guard reason == .podGone, let next = currentReason(for: preview) else { return .averted(.secondLook) }
                reason = next
                rescue = .secondLook
                continue
            }
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
                guard let next = currentReason(for: rewritten, after: reason) else { return .averted(.conflict) }
                preview = rewritten
                reason = next
                rescue = .conflict
            }
        }
        return .failed(ClusterError(.unavailable, "the preview is being changed all the time"))
    }

    /// Judges a preview again.
    ///
    /// - Parameter earlier: The reason for which it was to be deleted, if the evidence for that still counts.
    /// - Returns: The reason for which it is due; `nil` if it is not.
    private func currentReason(for preview: Preview, after earlier: ReapReason? = nil) -> ReapReason? {
        let verdict = judge.judge(
            preview,
            pod: earlier == .podGone ? .gone : .unknown,
            claim: earlier == .claimGone ? .gone : .unknown,
            hasBackend: earlier == .orphan ? false : nil,
            now: time.reading()?.earliest,
            idleFrom: idleFrom
        )
        guard case .reap(let reason, _) = verdict else { return nil }
        return reason
    }

    private enum Confirmation {
        case confirmed
        /// A live read showed that the reason does not hold.
        case refuted
        /// The reason does not hold, which needed no request.
        case unfounded
    }

    /// The live reads that a reason requires before a deletion. Age requires none: the deletion's precondition covers
    /// the judged annotations. But whether idleness counts may have changed while others were deleted.
    private func confirmation(
        of reason: ReapReason,
        _ preview: Preview
    ) async throws(ClusterError) -> Confirmation {
        switch reason {
        case .podGone:
            guard let name = preview.podName else { return .unfounded }
            guard let uid = preview.podUID else {
                return try await objects.livePods().contains { $0.name == name } ? .refuted : .confirmed
            }
            return try await objects.isLive(PodIdentity(name: name, uid: uid)) ? .refuted : .confirmed
        case .claimGone:
            guard let claim = preview.claim else { return .unfounded }
            return try await objects.exists(claim) ? .refuted : .confirmed
        case .orphan:
            return try await objects.backend(preview.token) == nil ? .confirmed : .refuted
        case .idle:
            let now = time.reading()?.earliest
            return now.map { idleFrom(preview.token, $0) <= $0 } ?? false ? .confirmed : .unfounded
        default:
            return .confirmed
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

    /// Deletes the counterpart of a deleted route. If that fails, it is retried like an orphan whose grace time is
    /// over.
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
            // The reaper's retry finds the cause.
        }
        let instant = (time.reading()?.latest).map { $0 + Self.retryDelay } ?? .distantPast
        mirror.noteEnd(of: token, lookAt: instant)
    }
}

extension Collection where Element: Sendable {
    /// Runs `body` for every element, some concurrently, and returns when all are done.
    ///
    /// - Parameter limit: The number of concurrent runs.
    func forEach(atOnce limit: Int, _ body: @escaping @Sendable (Element) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for (position, element) in enumerated() {
                if position >= limit { await group.next() }
                group.addTask { await body(element) }
            }
        }
    }
}
