internal import FoundationEssentials
internal import PreviewDomain

/// Decides what the watches over the cluster tell about previews: that one ends soon, and that one has ended. Values
/// only: it reads no clock and does no I/O.
///
/// Whoever ends a preview reports it. But the one who does may die before the report is written, and Kubernetes itself
/// ends the previews of a pod that is gone. So every replica that sees a preview disappear reports it too, a moment
/// later, with what it can tell from the preview's last state; the first report of an end is the one that counts.
struct ChronicleMachine: Sendable {
    /// How long before its end a preview is announced to end.
    static let longestWarning = Duration.seconds(300)
    /// Nobody can act on a warning shorter than this, so none is given.
    static let shortestWarning = Duration.seconds(30)
    /// How long whoever ended a preview has for the report.
    static let reportDelay = Duration.seconds(3)
    /// A preview that disappears younger than this was most likely taken back by a start that failed.
    static let rollbackWindow = Duration.seconds(15)

    private struct Ended: Sendable {
        let preview: Preview
        /// When it was seen to be gone; `nil` where the time was not known.
        let at: Date?
    }

    private let policy: PreviewPolicy
    private let warning: Duration?
    private var warnings = DeadlineQueue<PreviewToken>()
    /// The deadline of which each preview was warned last.
    private var warned: [PreviewToken: Date] = [:]
    private var ended: [PreviewToken: Ended] = [:]
    private var reports = DeadlineQueue<PreviewToken>()

    init(policy: PreviewPolicy) {
        self.policy = policy
        // Half of a short life: else a preview that is kept alive regularly would be announced to end at each pause.
        let warning = min(Self.longestWarning, policy.lifetime.idleTimeout / 2, policy.lifetime.maxLifetime / 2)
        self.warning = policy.isEnabled && warning >= Self.shortestWarning ? warning : nil
    }

    /// The next instant at which there may be something to tell.
    var next: Date? {
        switch (warnings.next, reports.next) {
        case (let warning?, let report?): min(warning, report)
        case (let warning, let report): warning ?? report
        }
    }

    /// Takes a change of the mirror.
    ///
    /// - Parameter now: The API server's time, where it is known.
    mutating func follow(_ delta: MirrorDelta, now: Date?) {
        for preview in delta.ended { noteEnd(of: preview, now: now) }
        if let warning {
            for preview in delta.applied {
                warnings.schedule(preview.token, at: preview.deadline(policy: policy.lifetime) - warning)
            }
        }
    }

    /// What is to be told now.
    mutating func takeDue(at now: Date, _ cluster: MirrorState) -> [TimelineEvent] {
        takeWarnings(at: now, cluster) + takeReports(at: now, cluster)
    }

    // MARK: Ends that are near

    private mutating func takeWarnings(at now: Date, _ cluster: MirrorState) -> [TimelineEvent] {
        guard let warning else { return [] }
        return warnings.takeDue(at: now).compactMap { token in
            guard let preview = cluster.routes[token], !preview.isBeingDeleted else { return nil }
            let deadline = preview.deadline(policy: policy.lifetime)
            guard now >= deadline - warning else {
                // It was kept alive since.
                warnings.schedule(token, at: deadline - warning)
                return nil
            }
            guard now < deadline, warned.updateValue(deadline, forKey: token) != deadline else { return nil }
            return .expiring(preview, at: deadline, policy: policy.lifetime)
        }
    }

    // MARK: Ends that are seen

    private mutating func noteEnd(of preview: Preview, now: Date?) {
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

    /// Why the reaper would have ended the preview, or Kubernetes with the pod. `decide` is not asked, because it leaves
    /// alone what is already being deleted.
    private func reason(of preview: Preview, at instant: Date, _ cluster: MirrorState) -> ReapReason? {
        if cluster.presence(ofPodOf: preview) == .gone { return .podGone }
        if instant >= preview.effectiveMaxUntil(policy: policy.lifetime) { return .hardCap }
        if instant >= preview.effectiveExpiresAt(policy: policy.lifetime) { return .idle }
        return cluster.presence(ofClaimOf: preview) == .gone ? .claimGone : nil
    }
}
