public import FoundationEssentials
public import PreviewDomain

/// The promise that an acknowledged keepalive makes.
public struct KeptAlive: Hashable, Sendable {
    public let expiresAt: Date
    public let maxUntil: Date
}

extension Previews {
    /// How often a preview that somebody else changes at the same time is read and judged anew.
    private static let maxLiveJudgements = 4

    /// Moves the idle deadline of a preview; never backwards.
    ///
    /// At most one request to the cluster while the index is fresh, and none when the preview lives long enough as it
    /// is. What the index calls missing or expired is looked up before it is said. The write tests what was judged: a
    /// keepalive that comes late, behind one that has moved the deadline further, changes nothing, and the preview is
    /// read and judged again.
    public func keepAlive(run: RunID, token: PreviewToken) async throws(PreviewError) -> KeptAlive {
        try await asking {
            let run = run.label
            var precondition = ExtensionPrecondition.sameExpiry
            if case .present(let preview) = index.route(token), preview.run == run {
                if case .kept(let kept) = try await extend(preview, of: run, if: precondition) { return kept }
                precondition = .sameVersion
            }
            for _ in 0..<Self.maxLiveJudgements {
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
        switch policy.lifetime.keepalive(preview, now: (now.earliest, now.latest)) {
        case .expired:
            return .over
        case .alreadyAlive(let expiresAt):
            return .kept(KeptAlive(expiresAt: expiresAt, maxUntil: maxUntil))
        case .extend(let expiry):
            return switch try await objects.extend(preview, of: run, to: expiry, if: precondition) {
            case .extended: .kept(KeptAlive(expiresAt: expiry, maxUntil: maxUntil))
            case .changed: .changed
            case .gone: .over
            }
        }
    }
}
