internal import Logging
internal import PreviewDomain
internal import Synchronization

/// Refuses new previews while old ones cannot be deleted.
///
/// It is engaged while the reaper has had no successful sweep for two sweep intervals, and while a preview is overdue
/// by that much because its deletion failed. It affects only starts: a problem of some previews must not make the
/// service unavailable for the others.
///
/// It engages through the passing of time, so any reader of ``reason`` may be the first to notice. The sweeps and the
/// kubelet read it regularly; the change is logged once.
public final class Brake: Sendable {
    private struct State {
        /// Uptime of the last successful sweep.
        var lastSweep: Duration?
        /// The cause of the failed sweeps since then.
        var sweepError: ClusterError?
        /// The time since which the deletion of each object fails.
        var failures: [PreviewToken: Failure] = [:]
        /// Whether the log says that it is engaged.
        var isLoggedAsEngaged = false
    }

    private struct Failure {
        /// Uptime of the first attempt.
        let since: Duration
        /// The error of the last attempt.
        var error: ClusterError
    }

    private let state = Mutex(State())
    private let tolerance: Duration
    private let time: MonotonicTime
    private let logger: Logger

    init(policy: PreviewPolicy, time: MonotonicTime, logger: Logger) {
        tolerance = policy.sweepInterval * 2
        self.time = time
        self.logger = logger
    }

    /// The reason why new previews are refused, or `nil` if they are not.
    public var reason: String? {
        let now = time.uptime()
        let (reason, hasChanged) = state.withLock { state -> (String?, Bool) in
            let reason = self.reason(in: state, at: now)
            // A replica that has just started has no overdue sweep yet.
            let isEngaged = reason != nil && (state.lastSweep != nil || now > tolerance)
            defer { state.isLoggedAsEngaged = isEngaged }
            return (reason, isEngaged != state.isLoggedAsEngaged)
        }
        if hasChanged { log(reason) }
        return reason
    }

    /// Whether there was an attempt to list the cluster's previews, successful or not.
    public var hasSweepBeenTried: Bool { state.withLock { $0.lastSweep != nil || $0.sweepError != nil } }

    private func reason(in state: State, at now: Duration) -> String? {
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

    private func log(_ reason: String?) {
        if let reason {
            logger.error("the brake is engaged: no previews are started", metadata: ["reason": "\(reason)"])
        } else {
            logger.notice("the brake is released: previews are started again")
        }
    }

    // MARK: What the reaper tells

    /// Records a successful sweep. Failed deletions of objects that it did not find due are forgotten: another replica
    /// may have deleted them, or a keepalive has moved their expiry.
    func sweepSucceeded(stillDue: Set<PreviewToken>) {
        let now = time.uptime()
        state.withLock { state in
            state.lastSweep = now
            state.sweepError = nil
            state.failures = state.failures.filter { stillDue.contains($0.key) }
        }
        logChange()
    }

    func sweepFailed(_ error: ClusterError) {
        state.withLock { $0.sweepError = error }
        logChange()
    }

    func deletionFailed(of token: PreviewToken, _ error: ClusterError) {
        let now = time.uptime()
        state.withLock { $0.failures[token, default: Failure(since: now, error: error)].error = error }
        logChange()
    }

    func deletionCompleted(of token: PreviewToken) {
        let hadFailed = state.withLock { $0.failures.removeValue(forKey: token) != nil }
        if hadFailed { logChange() }
    }

    private func logChange() { _ = reason }
}
