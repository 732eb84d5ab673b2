internal import FoundationEssentials
public import PreviewDomain

/// The result of a due deletion.
public enum ReapOutcome: Hashable, Sendable {
    /// This call deleted the object.
    case reaped(ReapReason)
    /// Another client had deleted it.
    case alreadyGone
    /// The confirmation showed that it must be kept.
    case averted(KeepReason)
    /// It could not be deleted, or its deletion could not be confirmed.
    case failed(ClusterError)

    /// What prevented a deletion. The raw value is a metric label.
    public enum KeepReason: String, Sendable, CaseIterable {
        /// The API server refused the deletion, because the object had been written since it was evaluated (409).
        case conflict
        /// A live read showed a change that the copy did not contain.
        case liveRead = "second_look"
        /// The reason no longer held, which was found out without a request.
        case notDue = "not_due"
    }
}

/// Carries out decisions, after confirming them with the cluster.
///
/// A decision is based on a copy. Before it becomes a deletion, everything that the deletion's precondition (UID and
/// resourceVersion of the evaluated object) does not cover is read live: that the pod or the claim is gone, or that the
/// counterpart is missing. A conflict means that the object was written in between, perhaps by a keepalive: then the
/// object is read and evaluated again.
struct ReapExecution: Sendable {
    let objects: any PreviewObjects
    let mirror: ClusterMirror
    let time: any ClusterTime
    let evaluator: ReapEvaluator
    let minExpiry: MinExpiry

    /// How long a failed deletion waits before it is retried.
    static let retryDelay = Duration.seconds(2)
    /// The number of concurrent deletions. A sweep and the deadlines each may have as many, so that a third of the
    /// client's concurrent requests remains for callers even while every deletion hangs.
    static let maxConcurrentDeletions = 10
    /// How often an object that keeps changing is evaluated before its deletion counts as failed.
    private static let maxEvaluations = 4

    /// Carries out many deletions, some of them concurrently.
    ///
    /// - Parameter record: Gets each deletion with its result.
    func carryOut(_ deletions: [DueDeletion], _ record: @escaping @Sendable (DueDeletion, ReapOutcome) -> Void) async {
        await deletions.forEach(maxConcurrent: Self.maxConcurrentDeletions) { record($0, await carryOut($0)) }
    }

    /// Carries out one deletion.
    func carryOut(_ deletion: DueDeletion) async -> ReapOutcome {
        do throws(ClusterError) {
            return switch deletion.target {
            case .route(let preview): try await reap(preview, for: deletion.reason)
            case .backend(let backend): try await reap(backend)
            }
        } catch {
            return .failed(error)
        }
    }

    private func reap(_ evaluated: Preview, for first: ReapReason) async throws(ClusterError) -> ReapOutcome {
        var preview = evaluated
        var reason = first
        var keepReason = ReapOutcome.KeepReason.notDue
        for _ in 0..<Self.maxEvaluations {
            switch try await confirmation(of: reason, preview) {
            case .confirmed:
                break
            case .unfounded:
                return .averted(keepReason)
            case .refuted:
                // A gone pod takes precedence over the age, so the age was not evaluated yet.
                guard reason == .podGone, let next = currentReason(for: preview) else { return .averted(.liveRead) }
                reason = next
                keepReason = .liveRead
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
                keepReason = .conflict
            }
        }
        return .failed(ClusterError(.unavailable, "the preview is being changed all the time"))
    }

    /// Evaluates a preview again.
    ///
    /// - Parameter earlier: The reason for which it was to be deleted, if the evidence for that still counts.
    /// - Returns: The reason for which it is due; `nil` if it is not.
    private func currentReason(for preview: Preview, after earlier: ReapReason? = nil) -> ReapReason? {
        let decision = evaluator.evaluate(
            preview,
            pod: earlier == .podGone ? .gone : .unknown,
            claim: earlier == .claimGone ? .gone : .unknown,
            hasBackend: earlier == .orphan ? false : nil,
            now: time.reading()?.earliest,
            minExpiry: minExpiry
        )
        guard case .reap(let reason, _) = decision else { return nil }
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
    /// the evaluated annotations. But whether idleness counts may have changed while others were deleted.
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
            return now.map { minExpiry(preview.token, $0) <= $0 } ?? false ? .confirmed : .unfounded
        default:
            return .confirmed
        }
    }

    private func reap(_ backend: PreviewBackend) async throws(ClusterError) -> ReapOutcome {
        guard try await objects.route(backend.token) == nil else { return .averted(.liveRead) }
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
        mirror.recordEnd(of: token, checkAt: instant)
    }
}

extension Collection where Element: Sendable {
    /// Runs `body` for every element, some concurrently, and returns when all are done.
    ///
    /// - Parameter limit: The number of concurrent runs.
    func forEach(maxConcurrent limit: Int, _ body: @escaping @Sendable (Element) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for (position, element) in enumerated() {
                if position >= limit { await group.next() }
                group.addTask { await body(element) }
            }
        }
    }
}
