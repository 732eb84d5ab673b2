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
    private var entries: [PreviewToken: Entry] = [:]
    private var waiters: [PreviewToken: [CheckedContinuation<Readiness, Never>]] = [:]

    init(uptime: @escaping @Sendable () -> Duration) {
        self.uptime = uptime
    }

    /// Remembers what was found just now.
    func note(_ readiness: Readiness, of token: PreviewToken) {
        let now = uptime()
        if entries.count >= Self.maxEntries { entries = entries.filter { now - $0.value.foundAt < Self.lifetime } }
        guard entries.count < Self.maxEntries || entries[token] != nil else { return }
        entries[token] = Entry(readiness: readiness, foundAt: now)
    }

    /// What was found at most ``lifetime`` ago, or else what `look` finds; callers that come meanwhile share it.
    func recent(of token: PreviewToken, else look: @Sendable () async -> Readiness) async -> Readiness {
        if let entry = entries[token], uptime() - entry.foundAt < Self.lifetime { return entry.readiness }
        return await shared(of: token, look)
    }

    /// What `look` finds now; callers that come meanwhile share it.
    func shared(of token: PreviewToken, _ look: @Sendable () async -> Readiness) async -> Readiness {
        if waiters[token] != nil {
            return await withCheckedContinuation { waiters[token, default: []].append($0) }
        }
        waiters[token] = []
        let readiness = await look()
        // What a caller that left saw of it is no evidence.
        if !Task.isCancelled { note(readiness, of: token) }
        for waiter in waiters.removeValue(forKey: token) ?? [] { waiter.resume(returning: readiness) }
        return readiness
    }
}
