public import PreviewDomain

/// Reads what happened to a run's previews.
public struct TimelineReader: Sendable {
    private let sandboxes: any SandboxDirectory
    private let log: any TimelineLog

    public init(sandboxes: any SandboxDirectory, log: any TimelineLog) {
        self.sandboxes = sandboxes
        self.log = log
    }

    /// The claim on which the run's events are written down.
    ///
    /// - Throws: ``PreviewError`` of kind ``PreviewError/Kind/noSandbox`` for a run without one.
    public func claim(of run: RunID) async throws(PreviewError) -> ClaimIdentity {
        do {
            return try await sandboxes.claim(of: run)
        } catch {
            throw PreviewError(meeting: error)
        }
    }

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
