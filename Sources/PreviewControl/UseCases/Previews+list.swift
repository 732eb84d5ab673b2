public import PreviewDomain
internal import Synchronization

extension Previews {
    /// How many previews of a list are probed at once.
    private static let maxConcurrentProbes = 16
    /// The remaining time of the caller that another probe requires.
    private static let longestProbe = ReadinessWait.firstTimeout + .seconds(2)

    /// The previews of one run, the oldest first, each with the result of a probe in the last 10 s or of a new one.
    public func list(run: RunID) async throws(PreviewError) -> [PreviewSession] {
        try await mappingClusterErrors {
            let routes = try await objects.routes(of: run.label)
                .filter { !$0.preview.isBeingDeleted && $0.preview.belongs(to: run) }
                .sorted { PreviewRank($0.preview).isOlder(than: PreviewRank($1.preview)) }
            let found = Mutex<[PreviewToken: Readiness]>([:])
            await routes.forEach(maxConcurrent: Self.maxConcurrentProbes) { preview, status in
                let readiness = await recentReadiness(of: preview, status)
                found.withLock { $0[preview.token] = readiness }
            }
            let readiness = found.withLock { $0 }
            return routes.map { preview, status in
                PreviewSession(
                    preview,
                    policy: policy.lifetime,
                    readiness: readiness[preview.token] ?? Readiness(unprobed: status)
                )
            }
        }
    }

    private func recentReadiness(of preview: Preview, _ status: RouteStatus) async -> Readiness {
        await readinessCache.recent(of: preview) {
            guard ResponseDeadline.remaining.map({ $0 >= Self.longestProbe }) ?? true else {
                return Readiness(unprobed: status)
            }
            return await probeReadiness(of: preview, status: status)
        }
    }

    /// The longest time that a check waits for a preview to work.
    public static let longestCheckWait = Duration.seconds(60)
    /// The greatest age of evidence for a waiting caller, so that all callers that wait for a preview share its probes.
    private static let waitersLifetime = Duration.seconds(1)

    /// Opens one preview of a run now, and reports the result.
    ///
    /// - Parameter wait: How long to probe again while the preview does not work, at most ``longestCheckWait``.
    /// - Throws: ``PreviewError/previewNotFound`` for a token that does not belong to this run, or of a preview that
    ///   has ended.
    public func check(
        run: RunID,
        token: PreviewToken,
        wait: Duration = .zero
    ) async throws(PreviewError) -> PreviewSession {
        try await mappingClusterErrors {
            let preview = try await livingPreview(token, of: run)
            // Waiting callers share the results of each other's probes.
            let age = wait > .zero ? Self.waitersLifetime : .zero
            let readiness = await readinessCache.recent(of: preview, within: age) { await probeReadiness(of: preview) }
            guard wait > .zero, !readiness.isReady else {
                return PreviewSession(preview, policy: policy.lifetime, readiness: readiness)
            }
            let found = try await ResponseDeadline.suspend {
                try await waitUntilReady(preview, after: readiness, for: min(wait, Self.longestCheckWait))
            }
            // It may have ended or been kept alive in the meantime.
            let current = try await ResponseDeadline.begin(time) { try await livingPreview(token, of: run) }
            return PreviewSession(current, policy: policy.lifetime, readiness: found)
        }
    }

    private func livingPreview(_ token: PreviewToken, of run: RunID) async throws -> Preview {
        let now = try await currentTime().earliest
        guard let preview = try await objects.route(token), preview.belongs(to: run), isLiving(preview, now: now) else {
            throw PreviewError.previewNotFound
        }
        return preview
    }

    private func waitUntilReady(
        _ preview: Preview,
        after first: Readiness,
        for limit: Duration
    ) async throws -> Readiness {
        let end = time.uptime() + limit
        var readiness = first
        while !readiness.isReady, time.uptime() < end {
            try await time.sleep(min(Self.waitersLifetime, end - time.uptime()))
            // A first page may take 10 s to compile.
            let timeout = max(min(end - time.uptime(), .seconds(10)), ReadinessWait.firstTimeout)
            readiness = await readinessCache.recent(of: preview, within: Self.waitersLifetime) {
                await probeReadiness(of: preview, timeout: timeout)
            }
        }
        return readiness
    }
}
