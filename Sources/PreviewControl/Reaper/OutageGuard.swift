internal import FoundationEssentials
internal import Logging
internal import PreviewDomain
internal import Synchronization

/// Suspends idleness after pings could not be recorded (contract, "outage"), and after the API server's clock was set.
///
/// All requests to the API server report their results here; ``PingRecording`` has the rules.
public final class OutageGuard: Sendable {
    private struct State {
        var recording: PingRecording
        /// The error of the last request, if it failed.
        var failure: ClusterError?
        /// The steps of the API server's clock that were processed.
        var steps = 0

        /// - Returns: Whether the request before this one had failed.
        mutating func recordResponse(at uptime: Duration) -> Bool {
            recording.recordResponse(at: uptime)
            defer { failure = nil }
            return failure != nil
        }
    }

    private let state: Mutex<State>
    private let clusterTime: any ClusterTime
    private let time: MonotonicTime
    private let logger: Logger
    /// Raised when the API server answers a request other than a sweep's after requests had failed.
    let hasRecovered = ChangeSignal()

    /// - Parameter clusterTime: The API server's clock.
    init(policy: PreviewPolicy, clusterTime: any ClusterTime, time: MonotonicTime, logger: Logger) {
        state = Mutex(
            State(
                recording: PingRecording(
                    grace: policy.outageGrace,
                    usualInterval: policy.sweepInterval,
                    idleTimeout: policy.lifetime.idleTimeout
                )
            )
        )
        self.clusterTime = clusterTime
        self.time = time
        self.logger = logger
    }

    // MARK: Evidence

    /// The API server answered a request that needed its storage.
    func recordResponse() {
        let uptime = time.uptime()
        guard state.withLock({ $0.recordResponse(at: uptime) }) else { return }
        logRecovery()
        hasRecovered.raise()
    }

    /// Same as ``recordResponse()``, for the sweep, which need not be woken.
    func recordSweepResponse() {
        let uptime = time.uptime()
        if state.withLock({ $0.recordResponse(at: uptime) }) { logRecovery() }
    }

    private func logRecovery() {
        logger.notice("the API server answers again")
    }

    /// A sweep or a keepalive failed. A refusal or rejection is a response of the API server, but no evidence about
    /// pings.
    ///
    /// - Parameter sent: The uptime at which it was sent.
    func recordFailure(_ error: ClusterError, sentAt sent: Duration) {
        guard error.kind == .unavailable || error.kind == .busy else { return }
        let isFirst = state.withLock { state in
            state.recording.recordFailure(sentAt: sent)
            // An API server that answers 429 can be reached.
            guard error.kind == .unavailable else { return false }
            defer { state.failure = error }
            return state.failure == nil
        }
        if isFirst { logger.warning("the API server cannot be reached", metadata: ["why": "\(error.detail)"]) }
    }

    /// A keepalive of an existing preview could not be recorded, for any reason.
    func recordLostPing(of token: PreviewToken) {
        let uptime = time.uptime()
        state.withLock { $0.recording.recordLostPing(of: token, at: uptime) }
    }

    /// A watch broke, or the deletion of one object failed, for any reason. The next sweep finds out more.
    func recordSuspectedFailure() {
        let uptime = time.uptime()
        state.withLock { $0.recording.recordSuspectedFailure(at: uptime) }
    }

    /// A broken watch works again. That alone does not prove that the API server's storage works; the sweep finds out.
    func recordResumedWatch() {
        if state.withLock({ $0.failure != nil }) { hasRecovered.raise() }
    }

    // MARK: Answers

    /// Whether something has failed since the last answer, or there has been none yet.
    var hasUnresolvedFailure: Bool { state.withLock { $0.recording.hasUnresolvedFailure } }

    /// The reason why the API server is not known to answer; `nil` while it does.
    public var unreachableReason: String? {
        let uptime = time.uptime()
        return state.withLock { state in
            if let failure = state.failure { return failure.detail }
            if state.recording.hasNoResponse { return "the API server has not answered yet" }
            return state.recording.isInOutage(at: uptime) ? "the API server has not answered for too long" : nil
        }
    }

    /// The shortest time until idle previews are deleted; zero if they are.
    public var timeUntilIdlenessCounts: Duration {
        currentRecording { recording, uptime in recording.timeUntilIdlenessCounts(at: uptime) }
    }

    /// Whether an idle preview is deleted, and not revived.
    func idlenessCounts(for token: PreviewToken) -> Bool { timeUntilIdlenessCounts(for: token) == .zero }

    /// The instant from which a preview's expiry counts, by the clock that shows `now`. If that is not known, nothing
    /// is deleted for its age.
    @Sendable func minExpiry(_ token: PreviewToken, now: Date?) -> Date {
        guard let now else { return .distantPast }
        let rest = timeUntilIdlenessCounts(for: token)
        return rest == .zero ? .distantPast : now + rest
    }

    private func timeUntilIdlenessCounts(for token: PreviewToken) -> Duration {
        currentRecording { recording, uptime in recording.timeUntilIdlenessCounts(of: token, at: uptime) }
    }

    /// Returns what `read` does for the recording, in which a step of the API server's clock has been recorded.
    private func currentRecording(_ read: (PingRecording, Duration) -> Duration) -> Duration {
        let uptime = time.uptime()
        let steps = clusterTime.reading()?.steps
        return state.withLock { state in
            if let steps, steps > state.steps {
                state.steps = steps
                state.recording.recordClockStep(at: uptime)
            }
            return read(state.recording, uptime)
        }
    }
}
