public import CoreAPI
public import Logging
public import PreviewControl
public import PreviewDomain
internal import Synchronization

/// Hands the timeline's entries to the platform's core API, which shows them among everything else about a run.
///
/// Not every release of it has a route for that: its route of events may be for reading only. That is said once, and no fault.
public final class CoreAPITimelineSink: TimelineSink {
    private let client: CoreAPIClient
    private let bearer: @Sendable () -> Secret
    private let logger: Logger
    private let isRouteMissing = Mutex(false)

    /// - Parameter bearer: The service key that is valid now: the core API knows it as the platform's own callers' too.
    public init(client: CoreAPIClient, logger: Logger, bearer: @escaping @Sendable () -> Secret) {
        self.client = client
        self.logger = logger
        self.bearer = bearer
    }

    /// - Returns: Always true: the core API does not tell what it had already. It drops repeats by their id.
    public func write(_ entry: TimelineEntry) async throws(TimelineFailure) -> Bool {
        let body: [UInt8]
        do { body = try entry.json() } catch {
            throw TimelineFailure(isTemporary: false, "the event cannot be written as JSON")
        }
        do throws(CoreAPIError) {
            try await client.post(event: body, of: entry.event.run, bearer: bearer().value)
            return true
        } catch  where error.kind == .noSuchRoute {
            let isFirst = isRouteMissing.withLock { isMissing in
                defer { isMissing = true }
                return !isMissing
            }
            if isFirst {
                logger.warning(
                    "the core API takes no events of the timeline, so it does not show what becomes of previews"
                )
            }
            return true
        } catch {
            throw TimelineFailure(
                isTemporary: error.isTemporary,
                error.message,
                retryAfter: error.retryAfter
            )
        }
    }
}

extension CoreAPIError {
    /// Whether the same request may well be taken later. What cannot be understood comes from something before the core
    /// API, such as a proxy.
    fileprivate var isTemporary: Bool {
        switch kind {
        case .unavailable, .unintelligible, .cancelled: true
        case .unauthorized, .forbidden, .notFound, .noSuchRoute, .rejected: false
        }
    }
}
