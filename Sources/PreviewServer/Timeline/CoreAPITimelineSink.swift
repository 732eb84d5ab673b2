public import Basics
public import CoreAPI
public import Logging
public import PreviewControl
internal import PreviewDomain
internal import Synchronization

/// Sends the timeline's entries to the platform's core API, which shows them with the other events of a run.
///
/// Not every release of it has a route for that: its route of events may only be readable. This is logged once, and not
/// an error; then nothing is sent for ``pause``.
public final class CoreAPITimelineSink: TimelineSink {
    /// How long nothing is sent after the core API has answered 405, or 404 before it has accepted an event.
    public static let pause = Duration.seconds(3_600)

    private let client: CoreAPIClient
    private let time: MonotonicTime
    private let bearer: @Sendable () -> Secret
    private let logger: Logger
    private let isRouteMissing = Mutex(false)
    /// Whether the core API has accepted an event, so that it has the route.
    private let acceptsEvents = Mutex(false)
    private let resumesAt = Mutex<Duration?>(nil)

    /// - Parameters:
    ///   - time: Measures the pause.
    ///   - bearer: Returns the present service key, which the core API knows too.
    public init(
        client: CoreAPIClient,
        time: MonotonicTime = MonotonicTime(ContinuousClock()),
        logger: Logger,
        bearer: @escaping @Sendable () -> Secret
    ) {
        self.client = client
        self.time = time
        self.logger = logger
        self.bearer = bearer
    }

    /// - Returns: Always true: the core API does not report repetitions. It ignores them by their ID.
    public func write(_ entry: TimelineEntry) async throws(TimelineFailure) -> Bool {
        if let resumesAt = resumesAt.withLock({ $0 }), time.uptime() < resumesAt { return true }
        let body: [UInt8]
        do { body = try entry.json() } catch {
            throw TimelineFailure(isTemporary: false, "the event cannot be written as JSON")
        }
        do throws(CoreAPIError) {
            try await client.post(event: body, of: entry.event.run, bearer: bearer().value)
            acceptsEvents.withLock { $0 = true }
            return true
        } catch {
            // If the route exists, 404 is about this run, which may have been deleted.
            let hasNoRoute = error.kind == .notFound && !acceptsEvents.withLock { $0 }
            if error.kind == .noSuchRoute || hasNoRoute {
                pauseWithoutRoute()
                return true
            }
            throw TimelineFailure(
                isTemporary: error.isTemporary,
                error.message,
                retryAfter: error.retryAfter
            )
        }
    }

    private func pauseWithoutRoute() {
        acceptsEvents.withLock { $0 = false }
        resumesAt.withLock { $0 = time.uptime() + Self.pause }
        let isFirst = isRouteMissing.withLock { isMissing in
            defer { isMissing = true }
            return !isMissing
        }
        if isFirst {
            logger.warning(
                "the core API accepts no timeline events, so it does not show the events of previews"
            )
        }
    }
}

extension CoreAPIError {
    /// Whether the same request may succeed later. A response in another format comes from a component in front of the
    /// core API, such as a proxy.
    fileprivate var isTemporary: Bool {
        switch kind {
        case .unavailable, .unintelligible, .cancelled: true
        case .unauthorized, .forbidden, .notFound, .noSuchRoute, .rejected: false
        }
    }
}
