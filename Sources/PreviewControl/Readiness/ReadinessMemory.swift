internal import PreviewDomain

/// What was last found about previews, and who looks right now.
///
/// Lists are asked for every few seconds by several viewers. Each preview is opened once in ``lifetime`` for all of them.
actor ReadinessMemory {
    /// How old evidence may be that a list tells.
    static let lifetime = Duration.seconds(10)
    /// The most previews that are remembered; beyond, what is too old is forgotten.
    private static let maxEntries = 1000

    private struct Entry {
        let readiness: Readiness
        let foundAt: Duration
    }

    private let uptime: @Sendable () -> Duration
    /// Called for each preview that serves after callers were told that it does not.
    private let onReady: @Sendable (Preview) -> Void
    private var unready = UnreadyPreviews()
    private var entries: [PreviewToken: Entry] = [:]
    private var waiters: [PreviewToken: [CheckedContinuation<Readiness, Never>]] = [:]

    init(uptime: @escaping @Sendable () -> Duration, onReady: @escaping @Sendable (Preview) -> Void = { _ in }) {
        self.uptime = uptime
        self.onReady = onReady
    }

    /// Remembers what was found just now.
    func note(_ readiness: Readiness, of preview: Preview) {
        let (now, token) = (uptime(), preview.token)
        if unready.note(readiness, of: preview, at: now) { onReady(preview) }
        if entries.count >= Self.maxEntries { entries = entries.filter { now - $0.value.foundAt < Self.lifetime } }
        guard entries.count < Self.maxEntries || entries[token] != nil else { return }
        entries[token] = Entry(readiness: readiness, foundAt: now)
    }

    /// What was found not long ago, or else what `look` finds; callers that come meanwhile share it.
    ///
    /// - Parameter age: How long ago, at most.
    func recent(
        of preview: Preview,
        within age: Duration = lifetime,
        else look: @Sendable () async -> Readiness
    ) async -> Readiness {
        if let entry = entries[preview.token], uptime() - entry.foundAt < age { return entry.readiness }
        return await shared(of: preview, look)
    }

    /// What `look` finds now; callers that come meanwhile share it.
    func shared(of preview: Preview, _ look: @Sendable () async -> Readiness) async -> Readiness {
        let token = preview.token
        if waiters[token] != nil {
            return await withCheckedContinuation { waiters[token, default: []].append($0) }
        }
        waiters[token] = []
        let readiness = await look()
        // What a caller that left saw of it is no evidence.
        if !Task.isCancelled { note(readiness, of: preview) }
        for waiter in waiters.removeValue(forKey: token) ?? [] { waiter.resume(returning: readiness) }
        return readiness
    }

    // MARK: Previews that do not work yet

    /// When the next preview that does not work yet is looked at again.
    var nextLook: Duration? { unready.next }

    func takeDueLooks() -> [UnreadyPreviews.Look] { unready.takeDue(at: uptime()) }

    func noteHTTP2Trial(of token: PreviewToken) { unready.noteHTTP2Trial(of: token) }

    func forget(_ token: PreviewToken) { unready.forget(token) }
}
