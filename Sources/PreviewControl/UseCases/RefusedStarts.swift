internal import Logging
internal import PreviewDomain
internal import Synchronization

/// Logs refused starts with their reason: one message for each run and reason in a minute, with the number of
/// suppressed ones.
final class RefusedStarts: Sendable {
    private struct Cause: Hashable {
        let run: RunID
        let kind: PreviewError.Kind
    }

    private static let interval = Duration.seconds(60)
    private static let maxCauses = 256

    private let throttle = Mutex(LogThrottle<Cause>(interval: interval, maxCauses: maxCauses))
    private let time: MonotonicTime
    private let logger: Logger

    init(time: MonotonicTime, logger: Logger) {
        self.time = time
        self.logger = logger
    }

    func note(_ error: PreviewError, run: RunID, port: Int, requester: String) {
        // A caller that disconnected was not refused.
        guard error.kind != .cancelled,
            let heldBack = throttle.withLock({ $0.admit(Cause(run: run, kind: error.kind), at: time.uptime()) })
        else { return }
        logger.info(
            "a start was refused",
            metadata: [
                "run": "\(run)", "port": "\(port)", "by": "\(SecretMask.mask(requester))",
                "reason": "\(error.kind.rawValue)", "detail": "\(SecretMask.mask(error.message))",
                "held_back": "\(heldBack)",
            ]
        )
    }
}
