/// Where an informer stands. Pure: the runner performs ``step`` and reports what came of it.
///
/// ```
///  listing ── listed ──▶ watching(version) ── advanced ──▶ watching(newer version)
///     ▲                        │
///     ├── gone (410) ──────────┤
///     │                        ├── ended by the server ──▶ watching(the last version)
///     └── second failure ──────┴── first failure ──▶ watching(the last version), after a pause
/// ```
struct InformerState: Sendable {
    enum Step: Hashable, Sendable {
        /// List everything; what was known before does not count any more.
        case list
        /// Watch for changes after this version.
        case watch(from: String)
    }

    /// After this many failures in a row the last version is no longer trusted, and everything is listed anew.
    static let failuresBeforeRelist = 2

    /// What to do next.
    private(set) var step = Step.list
    /// How many attempts failed since the last success; it decides the length of the pause.
    private(set) var failures = 0

    /// The list arrived.
    mutating func listed(version: String) {
        step = .watch(from: version)
        failures = 0
    }

    /// The watch delivered something of this version: the connection works.
    mutating func advanced(to version: String) {
        step = .watch(from: version)
        failures = 0
    }

    /// The server ended the watch in an orderly way.
    mutating func ended() {
        failures = 0
    }

    /// The version is too old (410, as an HTTP status or as a frame). It is never used again.
    mutating func gone() {
        step = .list
    }

    /// The list or the watch failed.
    mutating func failed() {
        failures += 1
        if failures >= Self.failuresBeforeRelist { step = .list }
    }
}
