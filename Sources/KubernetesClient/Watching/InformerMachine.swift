/// Decides the steps of an informer. Values only: it reads no clock and does no I/O.
///
/// ```
///             listed                opened              event, bookmark
/// listing ────────────▶ opening ────────────▶ watching ──┐
///    ▲  ▲                 │  ▲                  │  ▲      │
///    │  └── failed ──┐    │  └── ended, failed ──┘  └──────┘
///    │              pause │
///    └─── discarded ──────┴───── discarded ─── (also from watching)
/// ```
///
/// After 410, and after a frame that cannot be decoded, which the server would send again, the version is discarded: only
/// a list yields another one. After any other failure the watch continues from the version. Pauses grow with the
/// failures since the last sign that a watch works.
struct InformerMachine: Hashable, Sendable {
    /// The state of the informer.
    enum State: Hashable, Sendable {
        /// A list is being read.
        case listing
        /// A watch from this version was requested.
        case opening(from: String)
        /// The watch runs; this is the last version it sent.
        case watching(from: String)
    }

    /// The next step.
    enum Step: Hashable, Sendable {
        /// Read a list.
        case list
        /// Watch from this version.
        case watch(from: String)
    }

    /// The next step, after a pause.
    struct Next: Hashable, Sendable {
        let step: Step
        let pause: Duration
        /// Whether the handler has to be notified that its state may be stale from now on.
        let announcesInterruption: Bool
    }

    /// A watch that lasted this long worked, even without events.
    static let minimumWatch: Duration = .seconds(5)
    /// The watches' lifetime is random in this range around the usual one, so that replicas do not renew theirs together.
    static let lifetimeJitter = 0.2
    static let initialBackoff: Duration = .milliseconds(200)
    static let maxBackoff: Duration = .seconds(30)

    private(set) var state = State.listing
    /// Failures since the last sign that a watch works.
    private(set) var failures = 0
    /// Whether the handler assumes that its state may be stale.
    private(set) var isInterrupted = false

    /// A list was read.
    mutating func listed(_ resourceVersion: String) -> Step {
        state = .opening(from: resourceVersion)
        // For the handler the list is the present state, which ends an interruption.
        isInterrupted = false
        return .watch(from: resourceVersion)
    }

    /// The server accepted the watch.
    ///
    /// - Returns: Whether the handler has to be notified that its state is current again.
    mutating func opened() -> Bool {
        guard case .opening(let version) = state else { return false }
        state = .watching(from: version)
        defer { isInterrupted = false }
        return isInterrupted
    }

    /// The watch sent an event or a bookmark.
    mutating func received(_ resourceVersion: String?) {
        failures = 0
        guard case .watching = state, let resourceVersion else { return }
        state = .watching(from: resourceVersion)
    }

    /// The server ended the watch.
    ///
    /// - Parameters:
    ///   - lifetime: How long the watch was open.
    ///   - jitter: A random number in 0..<1.
    mutating func watchEnded(after lifetime: Duration, jitter: Double) -> Next {
        if lifetime >= Self.minimumWatch {
            failures = 0
            return Next(step: repeatWatch(), pause: .zero, announcesInterruption: false)
        }
        // A server that ends every watch at once must not be requested in a loop.
        failures += 1
        return Next(step: repeatWatch(), pause: backoff(jitter), announcesInterruption: false)
    }

    /// The list or the watch failed.
    ///
    /// - Parameters:
    ///   - error: Why.
    ///   - lifetime: The time since the request. If the server had accepted the watch, it counts as the watch's.
    ///   - jitter: A random number in 0..<1.
    mutating func failed(_ error: KubernetesError, after lifetime: Duration = .zero, jitter: Double) -> Next {
        // For example a proxy that ends every watch without events after its own time limit.
        if case .watching = state, lifetime >= Self.minimumWatch { failures = 0 }
        let announces = !isInterrupted
        isInterrupted = true
        let wasFirst = failures == 0
        failures += 1
        let isGone = error.kind == .gone
        let isDiscarded = isGone || (error.kind == .decoding && state != .listing)
        if isDiscarded || error.kind == .notFound(.group) || state == .listing {
            state = .listing
            return Next(
                step: .list,
                pause: isGone && wasFirst ? .zero : pause(error, jitter),
                announcesInterruption: announces
            )
        }
        return Next(step: repeatWatch(), pause: pause(error, jitter), announcesInterruption: announces)
    }

    private mutating func repeatWatch() -> Step {
        switch state {
        case .listing:
            return .list
        case .opening(let version), .watching(let version):
            state = .opening(from: version)
            return .watch(from: version)
        }
    }

    private func pause(_ error: KubernetesError, _ jitter: Double) -> Duration {
        max(backoff(jitter), min(error.retryAfter ?? .zero, Self.maxBackoff))
    }

    private func backoff(_ jitter: Double) -> Duration {
        RetryPolicy.backoff(failures: failures, initial: Self.initialBackoff, max: Self.maxBackoff, jitter: jitter)
    }
}
