internal import PreviewDomain

/// The latest results of probes, and the probes in progress.
///
/// Several viewers request lists every few seconds. Each preview is probed once in ``lifetime`` for all of them.
actor ReadinessCache {
    /// The greatest age of evidence in a list.
    static let lifetime = Duration.seconds(10)
    /// The largest number of remembered previews; beyond it, old results are forgotten.
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
    /// The callers that wait for the probe of another one. They get `nil` if that one was cancelled.
    private var waiters: [PreviewToken: [CheckedContinuation<Readiness?, Never>]] = [:]

    init(uptime: @escaping @Sendable () -> Duration, onReady: @escaping @Sendable (Preview) -> Void = { _ in }) {
        self.uptime = uptime
        self.onReady = onReady
    }

    /// Records the result of a probe.
    func record(_ readiness: Readiness, of preview: Preview) {
        let (now, token) = (uptime(), preview.token)
        if unready.record(readiness, of: preview, at: now) { onReady(preview) }
        if entries.count >= Self.maxEntries { entries = entries.filter { now - $0.value.foundAt < Self.lifetime } }
        guard entries.count < Self.maxEntries || entries[token] != nil else { return }
        entries[token] = Entry(readiness: readiness, foundAt: now)
    }

    /// The result of a recent probe, or of `probe`; concurrent callers share it.
    ///
    /// - Parameter age: The greatest age of the result.
    func recent(
        of preview: Preview,
        within age: Duration = lifetime,
        else probe: @Sendable () async -> Readiness
    ) async -> Readiness {
        if let entry = entries[preview.token], uptime() - entry.foundAt < age { return entry.readiness }
        return await shared(of: preview, probe)
    }

    /// The result of `probe`; concurrent callers share it. If the caller that probes is cancelled, the next one probes.
    func shared(of preview: Preview, _ probe: @Sendable () async -> Readiness) async -> Readiness {
        let token = preview.token
        let begun = uptime()
        while waiters[token] != nil {
            let found = await withCheckedContinuation { waiters[token, default: []].append($0) }
            if let found { return found }
            // Another waiting caller may have probed before this one could.
            if let entry = entries[token], entry.foundAt >= begun { return entry.readiness }
        }
        waiters[token] = []
        let readiness = await probe()
        // The result of a cancelled caller's probe is no evidence.
        let found = Task.isCancelled ? nil : readiness
        if let found { record(found, of: preview) }
        for waiter in waiters.removeValue(forKey: token) ?? [] { waiter.resume(returning: found) }
        return readiness
    }

    // MARK: Previews that do not work yet

    /// When the next preview that does not work yet is probed again.
    var nextProbe: Duration? { unready.next }

    func takeDueProbes() -> [UnreadyPreviews.DueProbe] { unready.takeDue(at: uptime()) }

    func recordHTTP2Trial(of token: PreviewToken) { unready.recordHTTP2Trial(of: token) }

    func forget(_ token: PreviewToken) { unready.forget(token) }
}
