internal import PreviewDomain
internal import Synchronization

/// Refuses new previews while old ones cannot be taken back.
///
/// It is engaged while the reaper has had no successful sweep for two sweep intervals, and while a preview is overdue
/// by that much because its deletion failed.
public final class Brake: Sendable {
    private struct State {
        /// Uptime of the last successful sweep.
        var lastSweep: Duration?
        /// Why the sweeps since then failed.
        var sweepError: ClusterError?
        /// Since when the deletion of each object fails.
        var failures: [PreviewToken: Failure] = [:]
    }

    private struct Failure {
        /// Uptime of the first attempt.
        let since: Duration
        /// What the last attempt met.
        var error: ClusterError
    }

    private let state = Mutex(State())
    private let tolerance: Duration
    private let time: MonotonicTime

    public init(policy: PreviewPolicy, time: MonotonicTime) {
        tolerance = policy.sweepInterval * 2
        self.time = time
    }

    /// Why new previews are refused, or `nil` when they are not.
    public var reason: String? {
        let now = time.uptime()
        return state.withLock { state in
            let cause = state.sweepError.map { ": \($0.detail)" } ?? ""
            guard let lastSweep = state.lastSweep else {
                return "the cluster's previews have not been read yet\(cause)"
            }
            guard now - lastSweep <= tolerance else {
                return "the cluster's previews could not be read for \((now - lastSweep).components.seconds) s\(cause)"
            }
            let overdue = state.failures.values.filter { now - $0.since > tolerance }
            if let last = overdue.max(by: { $0.since < $1.since }) {
                let previews = overdue.count == 1 ? "1 preview is" : "\(overdue.count) previews are"
                return "\(previews) overdue and cannot be deleted: \(last.error.detail)"
            }
            return nil
        }
    }

    /// Notes a successful sweep. Failures of objects that it did not find due are forgotten: another replica may have
    /// deleted them, or a keepalive saved them.
    func sweepSucceeded(stillDue: Set<PreviewToken>) {
        let now = time.uptime()
        state.withLock { state in
            state.lastSweep = now
            state.sweepError = nil
            state.failures = state.failures.filter { stillDue.contains($0.key) }
        }
    }

    func sweepFailed(_ error: ClusterError) {
        state.withLock { $0.sweepError = error }
    }

    func deletionFailed(of token: PreviewToken, _ error: ClusterError) {
        let now = time.uptime()
        state.withLock { $0.failures[token, default: Failure(since: now, error: error)].error = error }
    }

    func deletionSettled(of token: PreviewToken) {
        state.withLock { $0.failures[token] = nil }
    }
}
