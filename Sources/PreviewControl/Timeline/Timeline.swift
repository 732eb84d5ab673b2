public import Logging
public import PreviewDomain

/// A destination of the events of runs' previews.
public protocol Timeline: Sendable {
    /// Accepts an event and returns at once; it is written later, and never delays what it reports.
    func record(_ event: TimelineEvent)
}

/// Logs the outcome of requests for approval, one message each, and forwards every event.
///
/// Events of previews themselves are logged where they occur.
public struct LoggedTimeline: Timeline {
    /// The number of remembered events, so that one that is reported twice is logged once.
    private static let maxRemembered = 4096
    /// The time after which the same event does not come again.
    private static let deduplicationWindow = Duration.seconds(3600)

    private let next: any Timeline
    private let logger: Logger
    private let seen: SharedLogThrottle<String>

    public init(_ next: any Timeline, time: MonotonicTime, logger: Logger) {
        self.next = next
        self.logger = logger
        seen = SharedLogThrottle(time: time, interval: Self.deduplicationWindow, maxCauses: Self.maxRemembered)
    }

    public func record(_ event: TimelineEvent) {
        log(event)
        next.record(event)
    }

    private func log(_ event: TimelineEvent) {
        guard let message = Self.message(event.kind), seen.admit(event.id) != nil else { return }
        var metadata: Logger.Metadata = ["run": "\(event.run)"]
        for (name, member) in [
            ("request", "displayId"), ("resource", "url"), ("scope", "scope"), ("ground", "ground"),
        ] {
            if let value = event.details[member] { metadata[name] = "\(value)" }
        }
        // Names of callers are untrusted text.
        for (name, member) in [("requester", "requester"), ("by", "decidedBy")] {
            if let value = event.details[member] { metadata[name] = "\(SecretMask.mask(value))" }
        }
        logger.info(message, metadata: metadata)
    }

    private static func message(_ kind: TimelineEvent.Kind) -> Logger.Message? {
        switch kind {
        case .approvalRequired: "a preview waits for approval"
        case .autoApproved: "a preview was approved automatically"
        case .approved: "a preview was approved"
        case .denied: "a preview was denied"
        case .timedOut: "a request for approval was not decided in time"
        case .withdrawn: "a request for approval was withdrawn"
        case .started, .ready, .expiring, .stopped, .reaped: nil
        }
    }
}

/// Reads the events of a run's previews.
public struct TimelineReader: Sendable {
    private let sandboxes: any SandboxDirectory
    private let log: any TimelineLog

    public init(sandboxes: any SandboxDirectory, log: any TimelineLog) {
        self.sandboxes = sandboxes
        self.log = log
    }

    /// The claim on which the run's events are written.
    ///
    /// - Throws: ``PreviewError`` of kind ``PreviewError/Kind/noSandbox`` for a run without one.
    public func claim(of run: RunID) async throws(PreviewError) -> ClaimIdentity {
        do {
            return try await sandboxes.claim(of: run)
        } catch {
            throw PreviewError(mapping: error)
        }
    }

    /// The same in this replica's copy of the cluster; nil if the copy has none. It sends no request to the cluster.
    public func cachedClaim(of run: RunID) async -> ClaimIdentity? { await sandboxes.cachedClaim(of: run) }

    /// Delivers the run's events, the oldest first, and then every new one, as ``TimelineLog/follow(_:after:_:)`` does.
    public func follow(
        _ run: RunID,
        on claim: ClaimIdentity,
        after position: TimelinePosition?,
        _ handle: @escaping @Sendable (TimelineRecord) async throws -> Void
    ) async throws {
        try await log.follow(claim, after: position) { record in
            if record.entry.event.run == run { try await handle(record) }
        }
    }
}
