public import PreviewDomain
internal import Synchronization

extension Previews {
    /// How many previews of a list are opened at once.
    private static let looksAtOnce = 16
    /// How much of the caller's time has to be left for one more look.
    private static let longestLook = ReadinessWait.firstPatience + .seconds(2)

    /// The previews of one run, the oldest first, with what was found at each address in the last 10 s or is found now.
    public func list(run: RunID) async throws(PreviewError) -> [PreviewSession] {
        try await asking {
            let routes = try await objects.routes(of: run.label)
                .filter { !$0.preview.isBeingDeleted }
                .sorted { PreviewRank($0.preview).isOlder(than: PreviewRank($1.preview)) }
            let found = Mutex<[PreviewToken: Readiness]>([:])
            await routes.forEach(atOnce: Self.looksAtOnce) { preview, status in
                let readiness = await recentReadiness(of: preview, status)
                found.withLock { $0[preview.token] = readiness }
            }
            let readiness = found.withLock { $0 }
            return routes.map { preview, status in
                PreviewSession(
                    preview,
                    policy: policy.lifetime,
                    readiness: readiness[preview.token] ?? Readiness(untried: status)
                )
            }
        }
    }

    private func recentReadiness(of preview: Preview, _ status: RouteStatus) async -> Readiness {
        await memory.recent(of: preview.token) {
            guard AnswerDeadline.remaining.map({ $0 >= Self.longestLook }) ?? true else {
                return Readiness(untried: status)
            }
            return await look(at: preview, status: status)
        }
    }

    /// Opens one preview of a run now, and says what was found.
    ///
    /// - Throws: ``PreviewError/previewNotFound`` for a token that is not of this run, or of a preview that has ended.
    public func check(run: RunID, token: PreviewToken) async throws(PreviewError) -> PreviewSession {
        try await asking {
            let now = try await currentTime().earliest
            guard let preview = try await objects.route(token), preview.run == run.label,
                !preview.isBeingDeleted, now < preview.deadline(policy: policy.lifetime)
            else { throw PreviewError.previewNotFound }
            let readiness = await memory.shared(of: token) { await look(at: preview) }
            return PreviewSession(preview, policy: policy.lifetime, readiness: readiness)
        }
    }
}
