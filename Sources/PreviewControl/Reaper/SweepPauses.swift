/// How long the reaper waits between two sweeps. Values only.
///
/// A sweep that failed is tried again soon, and ever more rarely while it keeps failing: neither the start of a replica
/// nor the end of an outage is to wait for the next regular sweep.
struct SweepPauses: Hashable, Sendable {
    /// The pause after the first failure; it doubles with each further one, up to the sweep interval.
    static let firstRetry = Duration.milliseconds(500)
    /// A regular sweep comes at most this part of the interval earlier, so that replicas spread out.
    private static let jitterOfSweeps = 0.1
    /// A retry comes at most this part of its pause earlier: replicas have lost the API server at the same moment.
    private static let jitterOfRetries = 0.5

    private let interval: Duration
    /// The pause after the next failure.
    private var nextRetry: Duration

    init(interval: Duration) {
        self.interval = interval
        nextRetry = min(Self.firstRetry, interval)
    }

    /// The pause after a sweep that worked.
    ///
    /// - Parameter jitter: A random number in 0..<1.
    mutating func succeeded(jitter: Double) -> Duration {
        nextRetry = min(Self.firstRetry, interval)
        return interval * (1 - Self.jitterOfSweeps * jitter)
    }

    /// The pause after a sweep that failed.
    ///
    /// - Parameter jitter: A random number in 0..<1.
    mutating func failed(jitter: Double) -> Duration {
        defer { nextRetry = min(nextRetry * 2, interval) }
        return nextRetry * (1 - Self.jitterOfRetries * jitter)
    }
}
