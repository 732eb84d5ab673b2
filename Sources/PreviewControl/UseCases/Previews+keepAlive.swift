public import FoundationEssentials
public import PreviewDomain

/// The promise that an acknowledged keepalive makes.
public struct KeptAlive: Hashable, Sendable {
    public let expiresAt: Date
    public let maxUntil: Date
}

extension Previews {
    /// How often a preview that somebody else changes at the same time is read and judged anew.
    private static let maxLiveVerdicts = 4

    /// Moves the idle deadline of a preview; never backwards.
    ///
    /// At most one request to the cluster while the mirror is fresh, and none when the preview lives long enough as it
    /// is. What the mirror calls missing or expired is looked up before it is said. The write tests what was judged: a
    /// keepalive that comes late, behind one that has moved the deadline further, changes nothing, and the preview is
    /// read and judged again. For a while after keepalives could not be recorded, what has expired by idling is revived.
    public func keepAlive(run: RunID, token: PreviewToken) async throws(PreviewError) -> KeptAlive {
        try await mappingClusterErrors {
            let began = time.uptime()
            do {
                return try await keepAlive(token, of: run.label)
            } catch let error as ClusterError {
                // A caller that hung up says nothing about the cluster.
                if !Task.isCancelled { noteLostPing(error, token, of: run.label, sentAt: began) }
                throw error
            }
        }
    }

    private func keepAlive(_ token: PreviewToken, of run: RunLabel) async throws -> KeptAlive {
        var precondition = ExtensionPrecondition.sameExpiry
        if case .present(let preview) = mirror.route(token), preview.run == run {
            if case .kept(let kept) = try await extend(preview, of: run, if: precondition) { return kept }
            precondition = .sameVersion
        }
        for _ in 0..<Self.maxLiveVerdicts {
            guard let preview = try await objects.route(token), preview.run == run else {
                throw PreviewError.previewNotFound
            }
            switch try await extend(preview, of: run, if: precondition) {
            case .kept(let kept): return kept
            case .over: throw PreviewError.previewNotFound
            case .changed: precondition = .sameVersion
            }
        }
        throw ClusterError(.unavailable, "the preview is being changed all the time")
    }

    private enum Attempt {
        case kept(KeptAlive)
        /// It has expired, or is gone.
        case over
        /// It is not as it was judged any more.
        case changed
    }

    private func extend(
        _ preview: Preview,
        of run: RunLabel,
        if precondition: ExtensionPrecondition
    ) async throws -> Attempt {
        let now = try await currentTime()
        let maxUntil = preview.effectiveMaxUntil(policy: policy.lifetime)
        guard !preview.isBeingDeleted else { return .over }
        let decision = policy.lifetime.keepalive(
            preview,
            now: (now.earliest, now.latest),
            idlenessCounts: outage.idlenessCounts(for: preview.token)
        )
        switch decision {
        case .expired:
            return .over
        case .alreadyAlive(let expiresAt):
            return .kept(KeptAlive(expiresAt: expiresAt, maxUntil: maxUntil))
        case .extend(let expiry):
            let outcome: ExtensionOutcome
            do throws(ClusterError) {
                outcome = try await objects.extend(preview, of: run, to: expiry, if: precondition)
            } catch {
                if !Task.isCancelled { outage.noteLostPing(of: preview.token) }
                throw error
            }
            outage.noteAnswer()
            return switch outcome {
            case .extended: .kept(KeptAlive(expiresAt: expiry, maxUntil: maxUntil))
            case .changed: .changed
            case .gone: .over
            }
        }
    }

    /// Notes that a keepalive failed before it could be written. A token that may be nobody's is not remembered.
    private func noteLostPing(_ error: ClusterError, _ token: PreviewToken, of run: RunLabel, sentAt sent: Duration) {
        outage.noteFailure(error, sentAt: sent)
        if mirror.knownRoute(token)?.run == run { outage.noteLostPing(of: token) }
    }
}
