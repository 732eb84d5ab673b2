public import FoundationEssentials

/// The knowledge about an object on which a preview depends: its pod, or its run's claim.
public enum Presence: String, Hashable, Sendable, CaseIterable {
    /// The object with the preview's UID exists, even if it is being deleted.
    case present
    /// The object is gone: not found, another UID, or a pod in a terminal phase.
    case gone
    /// Its state is unknown; this is never a reason to delete a preview.
    case unknown
}

/// The reason why the reaper deletes a preview. The raw value is a label of metrics and events.
public enum ReapReason: String, Hashable, Sendable, CaseIterable {
    /// Its pod is gone.
    case podGone = "pod-gone"
    /// It has reached the hard cap.
    case hardCap = "hard-cap"
    /// It was not kept alive.
    case idle
    /// It is a Service without an HTTPRoute.
    case orphan
    /// The run's claim is gone and previews are not kept after their run.
    case claimGone = "claim-gone"
}

/// The decision on one object, with its reason.
public enum ReapDecision: Hashable, Sendable {
    /// Keep it. Unless it changes, it is deleted at this instant, for this reason.
    ///
    /// The instant may be in the past: then the API server's time is not known, or not known precisely enough.
    case keep(until: Date, then: ReapReason)
    /// Delete it, with its UID and resourceVersion as preconditions. If it is deleted for its age, that has been due
    /// since this instant.
    case reap(ReapReason, dueSince: Date? = nil)
    /// Leave it: it is already being deleted, or the end of another object decides.
    case leave

    /// When the object has to be checked again; `Date.distantFuture` if only a change requires that.
    public var nextCheck: Date {
        switch self {
        case .keep(let until, _): until
        case .reap: .distantPast
        case .leave: .distantFuture
        }
    }
}

/// Decides whether a preview is kept.
///
/// The precedence is pod gone, hard cap, idle; a gone claim comes last, and ends a preview that would otherwise be
/// kept. Nothing is deleted because of something unknown: not because of an unknown pod or claim, and without a known
/// time not for its age. An object that is already being deleted is left alone.
///
/// An expiry means that no viewer has pinged for the idle time-out. While keepalives could not be recorded it does not
/// mean that, so it counts only from `minExpiry`; every other reason counts always.
///
/// - Parameters:
///   - preview: The preview as it was read.
///   - pod: The knowledge about its pod.
///   - claim: The knowledge about its run's claim, which counts only if previews are not kept after their run.
///   - now: The earliest instant that the cluster's clock can show now; nil if that is not known.
///   - minExpiry: The instant from which an expiry counts; `Date.distantPast` if every expiry does.
///   - policy: How long previews live.
public func reapDecision(
    _ preview: Preview,
    pod: Presence,
    claim: Presence,
    now: Date?,
    minExpiry: Date = .distantPast,
    policy: LifetimePolicy
) -> ReapDecision {
    if preview.isBeingDeleted { return .leave }
    if pod == .gone { return .reap(.podGone) }
    let maxUntil = preview.effectiveMaxUntil(policy: policy)
    let expiresAt = preview.effectiveExpiresAt(policy: policy)
    let deadline = min(max(expiresAt, minExpiry), maxUntil)
    if let now, now >= deadline {
        return .reap(now >= maxUntil ? .hardCap : .idle, dueSince: min(expiresAt, maxUntil))
    }
    if claim == .gone, !policy.keepsAfterRun { return .reap(.claimGone) }
    return .keep(until: deadline, then: deadline < maxUntil ? .idle : .hardCap)
}
