internal import CoreAPI
internal import Logging
internal import Synchronization

/// Logs when the core API becomes unreachable for this replica, and when it can be reached again.
final class CoreAPIReachabilityLog: Sendable {
    private let reachability = Mutex(CoreAPIReachability())
    private let uptime: @Sendable () -> Duration
    private let logger: Logger

    init(uptime: @escaping @Sendable () -> Duration, logger: Logger) {
        self.uptime = uptime
        self.logger = logger
    }

    /// Records the outcome of one request. ``CoreAPIClient`` and the router call it.
    func record(isReachable: Bool) {
        switch reachability.withLock({ $0.record(isReachable: isReachable, at: uptime()) }) {
        case .lost:
            logger.warning("the core API cannot be reached; access to runs cannot be checked")
        case .regained(let time, let failures):
            logger.info(
                "the core API can be reached again",
                metadata: ["seconds": "\(time.components.seconds)", "failed_requests": "\(failures)"]
            )
        case nil: break
        }
    }
}
