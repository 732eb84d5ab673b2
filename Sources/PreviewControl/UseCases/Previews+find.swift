internal import FoundationEssentials
internal import PreviewDomain

/// The previews that approvals became. An approval knows a preview's fingerprint, and the cluster the preview.
extension Previews {
    /// The living preview of a run with one of these fingerprints.
    ///
    /// This replica's copy says where to look; that the preview lives, or that there is none, the cluster says.
    func living(of run: RunLabel, fingerprints: Set<String>) async throws -> Preview? {
        let now = try await currentTime().earliest
        func isIt(_ preview: Preview) -> Bool {
            preview.run == run && preview.isLiving(now: now, policy: policy.lifetime)
                && fingerprints.contains(preview.token.fingerprint)
        }
        if let known = mirror.routes(of: run)?.first(where: isIt),
            let confirmed = try await objects.route(known.token), isIt(confirmed)
        {
            return confirmed
        }
        let unknown = fingerprints.filter { mirror.end(of: $0) == nil }
        guard !unknown.isEmpty else { return nil }
        return try await objects.routes(of: run).map(\.preview).first(where: isIt)
    }

    /// The session of a preview that an earlier call started, with what its address answers now.
    ///
    /// - Returns: nil when the preview ended meanwhile, as one does that turned out to be one too many.
    func join(_ preview: Preview) async throws -> StartedPreview? {
        let began = time.uptime()
        let (_, readiness) = await waitUntilServing(preview, host: preview.hostHeader)
        let now = try await currentTime().earliest
        guard let current = try await objects.route(preview.token), current.uid == preview.uid,
            current.isLiving(now: now, policy: policy.lifetime)
        else { return nil }
        return StartedPreview(
            session: PreviewSession(current, policy: policy.lifetime, readiness: readiness),
            provisioning: .zero,
            waiting: time.uptime() - began,
            isNew: false
        )
    }

    /// The session of the living preview with that fingerprint, with what the gateway says about it.
    func session(of run: RunLabel, fingerprint: String) async throws -> PreviewSession? {
        let now = try await currentTime().earliest
        return try await objects.routes(of: run)
            .first { preview, _ in
                preview.token.fingerprint == fingerprint && preview.isLiving(now: now, policy: policy.lifetime)
            }
            .map { PreviewSession($0.preview, policy: policy.lifetime, readiness: Readiness(untried: $0.status)) }
    }
}

extension Preview {
    /// Whether the preview is there to stay for a while: nobody has begun to delete it, and its time is not over.
    fileprivate func isLiving(now: Date, policy: LifetimePolicy) -> Bool {
        !isBeingDeleted && now < deadline(policy: policy)
    }
}
