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
        /// Uptime at which the deletion of each object first failed.
        var firstFailures: [PreviewToken: Duration] = [:]
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
            guard let lastSweep = state.lastSweep else {
                return "the cluster's previews have not been read yet"
            }
            guard now - lastSweep <= tolerance else {
                return "the cluster's previews could not be read for \((now - lastSweep).components.seconds) s"
            }
            let overdue = state.firstFailures.values.count { now - $0 > tolerance }
            guard overdue == 0 else {
                return "\(overdue) previews are past their end and cannot be deleted"
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
            state.firstFailures = state.firstFailures.filter { stillDue.contains($0.key) }
        }
    }

    func deletionFailed(of token: PreviewToken) {
        let now = time.uptime()
        state.withLock { state in
            if state.firstFailures[token] == nil { state.firstFailures[token] = now }
        }
    }

    func deletionSettled(of token: PreviewToken) {
        state.withLock { $0.firstFailures[token] = nil }
    }
}
