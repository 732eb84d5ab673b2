internal import FoundationEssentials
internal import PreviewDomain

/// Derives events from the watches on the cluster: that a preview ends soon, and that one has ended. Values only: it
/// reads no clock and does no I/O.
///
/// The replica that ends a preview reports it. But that replica may fail before the report is written, and Kubernetes
/// itself deletes the previews of a deleted pod. Therefore every replica that observes the deletion of a preview
/// reports it too, after a delay, with the information in the preview's last state; only the first report of an end is
/// written.
struct PreviewEventMachine: Sendable {
    /// How long before its end the end of a preview is announced.
    static let longestWarning = Duration.seconds(300)
    /// A warning with less time than this would be useless, so none is given.
    static let shortestWarning = Duration.seconds(30)
    /// The time that the replica which ended a preview has for its report.
    static let reportDelay = Duration.seconds(3)
    /// A preview that is deleted at a younger age was most likely withdrawn by a start that failed.
    static let rollbackWindow = Duration.seconds(15)

    private struct Ended: Sendable {
        let preview: Preview
        /// When its deletion was observed; `nil` if the time was not known.
        let at: Date?
    }

    private let policy: PreviewPolicy
    private let warning: Duration?
    private var warnings = DeadlineQueue<PreviewToken>()
    /// The deadline of each preview's last warning.
    private var warned: [PreviewToken: Date] = [:]
    private var ended: [PreviewToken: Ended] = [:]
    private var reports = DeadlineQueue<PreviewToken>()

    init(policy: PreviewPolicy) {
        self.policy = policy
        // Half of a short lifetime: otherwise a preview that is regularly kept alive would be announced to end at each
        // pause.
        let warning = min(Self.longestWarning, policy.lifetime.idleTimeout / 2, policy.lifetime.maxLifetime / 2)
        self.warning = policy.isEnabled && warning >= Self.shortestWarning ? warning : nil
    }

    /// The next instant at which there may be an event.
    var next: Date? {
        switch (warnings.next, reports.next) {
        case (let warning?, let report?): min(warning, report)
        case (let warning, let report): warning ?? report
        }
    }

    /// Processes a change of the mirror.
    ///
    /// - Parameter now: The API server's time, if it is known.
    mutating func follow(_ delta: MirrorDelta, now: Date?) {
        for preview in delta.ended { recordEnd(of: preview, now: now) }
        if let warning {
            for preview in delta.applied {
                warnings.schedule(preview.token, at: preview.deadline(policy: policy.lifetime) - warning)
            }
        }
    }

    /// Removes and returns the events that are due.
    mutating func takeDue(at now: Date, _ cluster: MirrorState) -> [TimelineEvent] {
        takeWarnings(at: now, cluster) + takeReports(at: now, cluster)
    }

    // MARK: Approaching ends

    private mutating func takeWarnings(at now: Date, _ cluster: MirrorState) -> [TimelineEvent] {
        guard let warning else { return [] }
        return warnings.takeDue(at: now).compactMap { token in
            guard let preview = cluster.routes[token], !preview.isBeingDeleted else { return nil }
            let deadline = preview.deadline(policy: policy.lifetime)
            guard now >= deadline - warning else {
                // It was kept alive in the meantime.
                warnings.schedule(token, at: deadline - warning)
                return nil
            }
            guard now < deadline, warned.updateValue(deadline, forKey: token) != deadline else { return nil }
            return .expiring(preview, at: deadline, policy: policy.lifetime)
        }
    }

    // MARK: Observed ends

    private mutating func recordEnd(of preview: Preview, now: Date?) {
        warned[preview.token] = nil
        ended[preview.token] = Ended(preview: preview, at: now)
        reports.schedule(preview.token, at: now.map { $0 + Self.reportDelay } ?? .distantPast)
    }

    private mutating func takeReports(at now: Date, _ cluster: MirrorState) -> [TimelineEvent] {
        reports.takeDue(at: now).compactMap { token in
            guard let end = ended.removeValue(forKey: token), !cluster.routes.contains(token) else { return nil }
            let preview = end.preview
            let instant = end.at ?? now
            if let reason = reason(of: preview, at: instant, cluster) { return .reaped(preview, for: reason) }
            guard instant >= preview.createdAt + Self.rollbackWindow else { return nil }
            return .deleted(preview)
        }
    }

    /// The reason for which the reaper would have deleted the preview, or Kubernetes with the pod. `reapDecision` is not
    /// used, because it ignores objects that are already being deleted.
    private func reason(of preview: Preview, at instant: Date, _ cluster: MirrorState) -> ReapReason? {
        if cluster.presence(ofPodOf: preview) == .gone { return .podGone }
        if instant >= preview.effectiveMaxUntil(policy: policy.lifetime) { return .hardCap }
        if instant >= preview.effectiveExpiresAt(policy: policy.lifetime) { return .idle }
        return cluster.presence(ofClaimOf: preview) == .gone ? .claimGone : nil
    }
}
