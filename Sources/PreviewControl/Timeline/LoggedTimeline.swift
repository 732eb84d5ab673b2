public import Logging
internal import PreviewDomain
internal import Synchronization

/// Logs what becomes of requests for approval, one line each, and hands every event on.
///
/// What happens to previews themselves is logged where it is done.
public struct LoggedTimeline: Timeline {
    /// How many events are remembered, so that one that is reported twice is logged once.
    private static let maxRemembered = 4096
    /// The same event does not come again after so long.
    private static let memory = Duration.seconds(3600)

    private let next: any Timeline
    private let time: MonotonicTime
    private let logger: Logger
    private let seen = Seen()

    private final class Seen: Sendable {
        let throttle = Mutex(LogThrottle<String>(interval: memory, maxCauses: maxRemembered))
    }

    public init(_ next: any Timeline, time: MonotonicTime, logger: Logger) {
        self.next = next
        self.time = time
        self.logger = logger
    }

    public func record(_ event: TimelineEvent) {
        log(event)
        next.record(event)
    }

    private func log(_ event: TimelineEvent) {
        guard let message = Self.message(event.kind),
            seen.throttle.withLock({ $0.admit(event.id, at: time.uptime()) }) != nil
        else { return }
        var metadata: Logger.Metadata = ["run": "\(event.run)"]
        for (name, member) in [
            ("request", "displayId"), ("resource", "url"), ("scope", "scope"), ("ground", "ground"),
        ] {
            if let value = event.details[member] { metadata[name] = "\(value)" }
        }
        // The names of callers are somebody else's words.
        for (name, member) in [("requester", "requester"), ("by", "decidedBy")] {
            if let value = event.details[member] { metadata[name] = "\(SecretMask.mask(value))" }
        }
        logger.info(message, metadata: metadata)
    }

    private static func message(_ kind: TimelineEvent.Kind) -> Logger.Message? {
        switch kind {
        case .approvalRequired: "a preview waits for approval"
        case .autoApproved: "a preview was approved without asking"
        case .approved: "a preview was approved"
        case .denied: "a preview was denied"
        case .timedOut: "nobody decided about a preview in time"
        case .withdrawn: "a request for approval was withdrawn"
        case .started, .ready, .expiring, .stopped, .reaped: nil
        }
    }
}
