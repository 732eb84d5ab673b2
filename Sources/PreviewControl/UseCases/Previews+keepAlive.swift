public import FoundationEssentials
public import PreviewDomain

/// The times that an acknowledged keepalive guarantees.
public struct KeepaliveResult: Hashable, Sendable {
    public let expiresAt: Date
    public let maxUntil: Date
}

extension Previews {
    /// How often a preview is read and evaluated again if it is changed concurrently.
    private static let maxLiveEvaluations = 4

    /// Moves the idle deadline of a preview, but never to an earlier time.
    ///
    /// It sends at most one request to the cluster while the mirror is fresh, and none if the deadline is far enough
    /// away. If the mirror says that a preview is missing or expired, the cluster is read before this is reported. The
    /// write tests what was evaluated: if a delayed keepalive follows one that has moved the deadline further, nothing is
    /// changed, and the preview is read and evaluated again. For a limited time after keepalives could not be recorded, a
    /// preview that has expired as idle is revived.
    public func keepAlive(run: RunID, token: PreviewToken) async throws(PreviewError) -> KeepaliveResult {
        try await mappingClusterErrors {
            let began = time.uptime()
            do {
                return try await keepAlive(token, of: run)
            } catch let error as ClusterError {
                // A caller that disconnected is no evidence about the cluster.
                if !Task.isCancelled { recordLostPing(error, token, of: run, sentAt: began) }
                throw error
            }
        }
    }

    private func keepAlive(_ token: PreviewToken, of run: RunID) async throws -> KeepaliveResult {
        var precondition = ExtensionPrecondition.sameExpiry
        // What the keepalive promises counts from its arrival, however often it is evaluated. If others have moved the deadline
        // in the meantime, nearly always nothing is left to write.
        var arrival: ClusterTimeReading?
        if case .present(let preview) = mirror.route(token), preview.belongs(to: run) {
            if case .kept(let kept) = try await extend(preview, of: run, if: precondition, &arrival) { return kept }
            precondition = .sameVersion
        }
        for _ in 0..<Self.maxLiveEvaluations {
            guard let preview = try await objects.route(token), preview.belongs(to: run) else {
                throw PreviewError.previewNotFound
            }
            switch try await extend(preview, of: run, if: precondition, &arrival) {
            case .kept(let kept): return kept
            case .ended: throw PreviewError.previewNotFound
            case .changed: precondition = .sameVersion
            }
        }
        throw ClusterError(.unavailable, "the preview changes too often")
    }

    private enum Attempt {
        case kept(KeepaliveResult)
        /// It has expired, or is gone.
        case ended
        /// It has changed since it was evaluated.
        case changed
    }

    private func extend(
        _ preview: Preview,
        of run: RunID,
        if precondition: ExtensionPrecondition,
        _ arrival: inout ClusterTimeReading?
    ) async throws -> Attempt {
        let now = if let arrival { arrival } else { try await currentTime() }
        arrival = now
        let maxUntil = preview.effectiveMaxUntil(policy: policy.lifetime)
        let decision = policy.lifetime.keepalive(
            preview,
            now: (now.earliest, now.latest),
            idlenessCounts: outage.idlenessCounts(for: preview.token)
        )
        switch decision {
        case .expired:
            return .ended
        case .alreadyAlive(let expiresAt):
            return .kept(KeepaliveResult(expiresAt: expiresAt, maxUntil: maxUntil))
        case .extend(let expiry):
            let outcome: ExtensionOutcome
            do throws(ClusterError) {
                outcome = try await objects.extend(preview, of: run.label, to: expiry, if: precondition)
            } catch {
                if !Task.isCancelled { outage.recordLostPing(of: preview.token) }
                throw error
            }
            outage.recordResponse()
            return switch outcome {
            case .extended: .kept(KeepaliveResult(expiresAt: expiry, maxUntil: maxUntil))
            case .changed: .changed
            case .gone: .ended
            }
        }
    }

    /// Records that a keepalive failed before it could be written. A token that may not exist is not remembered.
    private func recordLostPing(_ error: ClusterError, _ token: PreviewToken, of run: RunID, sentAt sent: Duration) {
        outage.recordFailure(error, sentAt: sent)
        if mirror.lastSeenRoute(token)?.belongs(to: run) == true { outage.recordLostPing(of: token) }
    }
}
