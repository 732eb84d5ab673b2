internal import Logging
internal import PreviewDomain

/// Logs refused starts with their reason: one message for each run and reason in a minute, with the number of
/// suppressed ones.
final class RefusedStarts: Sendable {
    private struct Cause: Hashable {
        let run: RunID
        let kind: PreviewError.Kind
    }

    private let repeated: SharedLogThrottle<Cause>
    private let logger: Logger

    init(time: MonotonicTime, logger: Logger) {
        repeated = SharedLogThrottle(time: time)
        self.logger = logger
    }

    func record(_ error: PreviewError, run: RunID, port: Int, requester: String) {
        // A caller that disconnected was not refused.
        guard error.kind != .cancelled,
            let heldBack = repeated.admit(Cause(run: run, kind: error.kind))
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
