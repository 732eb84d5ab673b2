internal import Logging
internal import PreviewControl

/// A timeline in the service's own log.
struct LoggedTimeline: Timeline {
    let logger: Logger

    func record(_ event: TimelineEvent) {
        logger.info(
            "timeline",
            metadata: [
                "event": "\(event.kind.rawValue)", "run": "\(event.run)", "subject": "\(event.subject)",
            ]
        )
    }
}
