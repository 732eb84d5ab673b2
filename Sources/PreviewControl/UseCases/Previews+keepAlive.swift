public import FoundationEssentials
public import PreviewDomain

/// The promise that an acknowledged keepalive makes.
public struct KeptAlive: Hashable, Sendable {
    public let expiresAt: Date
    public let maxUntil: Date
}

extension Previews {
    /// Moves the idle deadline of a preview.
    ///
    /// At most one request to the cluster while the index is fresh, and none when the preview lives long enough as it
    /// is. What the index calls missing or expired is looked up before it is said.
    public func keepAlive(run: RunID, token: PreviewToken) async throws(PreviewError) -> KeptAlive {
        try await asking {
            let (now, run) = (try await currentTime(), run.label)
            if case .present(let preview) = index.route(token), preview.run == run,
                let kept = try await extend(preview, run: run, now: now)
            {
                return kept
            }
            guard let preview = try await objects.route(token), preview.run == run,
                let kept = try await extend(preview, run: run, now: now)
            else {
                throw PreviewError.previewNotFound
            }
            return kept
        }
    }

    /// - Returns: `nil` when the preview has expired, or is gone.
    private func extend(_ preview: Preview, run: RunLabel, now: ClusterTimeReading) async throws -> KeptAlive? {
        let maxUntil = preview.effectiveMaxUntil(policy: policy.lifetime)
        guard !preview.isBeingDeleted else { return nil }
        switch policy.lifetime.keepalive(preview, now: (now.earliest, now.latest)) {
        case .expired:
            return nil
        case .alreadyAlive(let expiresAt):
            return KeptAlive(expiresAt: expiresAt, maxUntil: maxUntil)
        case .extend(let expiry):
            guard try await objects.extend(preview.token, of: run, to: expiry) else { return nil }
            return KeptAlive(expiresAt: expiry, maxUntil: maxUntil)
        }
    }
}
