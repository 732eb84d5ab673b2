internal import PreviewDomain

/// The previews that were reported as not working, and when each is probed again. Values only.
///
/// It contains what this replica has reported. A preview is removed once it serves, once it has ended, or if there are
/// too many.
struct UnreadyPreviews: Sendable {
    /// The time from the first report to the next probe, and the longest time between later ones.
    static let firstPause = ReadinessCache.lifetime
    static let longestPause = Duration.seconds(60)
    /// The largest number of previews that are probed again.
    static let maxCount = 1000

    /// A preview that is due.
    struct DueProbe: Hashable, Sendable {
        let preview: Preview
        /// Whether HTTP/2 without TLS may be tried, which changes the route: once for each preview.
        let mayTryHTTP2: Bool
    }

    private struct Entry: Sendable {
        let preview: Preview
        var nextProbe: Duration
        var pause: Duration
        var mayTryHTTP2 = true
    }

    private var entries: [PreviewToken: Entry] = [:]

    /// The number of previews that are probed again.
    var count: Int { entries.count }

    /// When the next preview is due.
    var next: Duration? { entries.values.map(\.nextProbe).min() }

    /// Records the result of a probe of a preview.
    ///
    /// - Returns: Whether it serves now, after callers were told that it does not.
    mutating func record(_ readiness: Readiness, of preview: Preview, at now: Duration) -> Bool {
        guard !readiness.isReady else { return entries.removeValue(forKey: preview.token) != nil }
        // If the service cannot test the address, another probe would not change that.
        guard readiness.state != .unverified, entries[preview.token] == nil, entries.count < Self.maxCount else {
            return false
        }
        entries[preview.token] = Entry(preview: preview, nextProbe: now + Self.firstPause, pause: Self.firstPause)
        return false
    }

    /// The previews that are due; each is due again after a longer pause.
    mutating func takeDue(at now: Duration) -> [DueProbe] {
        entries.values.filter { $0.nextProbe <= now }.map { entry in
            var next = entry
            next.pause = min(entry.pause * 3 / 2, Self.longestPause)
            next.nextProbe = now + next.pause
            entries[entry.preview.token] = next
            return DueProbe(preview: entry.preview, mayTryHTTP2: entry.mayTryHTTP2)
        }
    }

    mutating func recordHTTP2Trial(of token: PreviewToken) { entries[token]?.mayTryHTTP2 = false }

    /// Forgets a preview that has ended.
    mutating func forget(_ token: PreviewToken) { entries[token] = nil }
}
