internal import PreviewDomain

/// The previews whose callers were told that they do not work yet, and when each is looked at again. Values only.
///
/// It holds what this replica has said. A preview leaves it once it serves, once it has ended, or when there are too many.
struct UnreadyPreviews: Sendable {
    /// How long after the first look, and at most after a later one, a preview is looked at again.
    static let firstPause = ReadinessMemory.lifetime
    static let longestPause = Duration.seconds(60)
    /// The most previews that are looked at again.
    static let maxCount = 1000

    /// A preview that is due.
    struct Look: Hashable, Sendable {
        let preview: Preview
        /// Whether HTTP/2 without TLS may be tried, which changes the route: once for each preview.
        let mayTryHTTP2: Bool
    }

    private struct Entry: Sendable {
        let preview: Preview
        var nextLook: Duration
        var pause: Duration
        var mayTryHTTP2 = true
    }

    private var entries: [PreviewToken: Entry] = [:]

    /// How many previews are looked at again.
    var count: Int { entries.count }

    /// When the next one is due.
    var next: Duration? { entries.values.map(\.nextLook).min() }

    /// Takes what was found at a preview's address.
    ///
    /// - Returns: Whether it serves now, after callers were told that it does not.
    mutating func note(_ readiness: Readiness, of preview: Preview, at now: Duration) -> Bool {
        guard !readiness.isReady else { return entries.removeValue(forKey: preview.token) != nil }
        // Where the address cannot be tried from here, looking again would not change that.
        guard readiness.state != .unverified, entries[preview.token] == nil, entries.count < Self.maxCount else {
            return false
        }
        entries[preview.token] = Entry(preview: preview, nextLook: now + Self.firstPause, pause: Self.firstPause)
        return false
    }

    /// The previews that are due; each is due again after a longer pause.
    mutating func takeDue(at now: Duration) -> [Look] {
        entries.values.filter { $0.nextLook <= now }.map { entry in
            var next = entry
            next.pause = min(entry.pause * 3 / 2, Self.longestPause)
            next.nextLook = now + next.pause
            entries[entry.preview.token] = next
            return Look(preview: entry.preview, mayTryHTTP2: entry.mayTryHTTP2)
        }
    }

    mutating func noteHTTP2Trial(of token: PreviewToken) { entries[token]?.mayTryHTTP2 = false }

    /// Forgets a preview that has ended.
    mutating func forget(_ token: PreviewToken) { entries[token] = nil }
}
