public import FoundationEssentials

/// What is known about something that a preview lives with: the pod that it shows, or its run's claim.
public enum Presence: Hashable, Sendable, CaseIterable {
    /// The object of the preview's UID exists. A claim that is being deleted still does.
    case present
    /// The object is gone: not found, another UID, or a pod in a terminal phase.
    case gone
    /// Nothing is known; this never reaps anything.
    case unknown
}

/// Why a preview is deleted by the reaper. The raw value labels metrics and events.
public enum ReapReason: String, Hashable, Sendable, CaseIterable {
    /// Its pod is gone.
    case podGone = "pod-gone"
    /// It has reached the hard cap.
    case hardCap = "hard-cap"
    /// Nobody kept it alive.
    case idle
    /// It is a Service without an HTTPRoute.
    case orphan
    /// The run's claim is gone and previews are not kept after their run.
    case claimGone = "claim-gone"
}

/// What is to become of one object, and why.
public enum ReapVerdict: Hashable, Sendable {
    /// Leave it. Unless it changes, it is reaped at this instant, for this reason.
    ///
    /// The instant may be past: then the API server's time is not known, or not known well enough.
    case keep(until: Date, then: ReapReason)
    /// Delete it, with its UID and resourceVersion as preconditions. For its age, that has been due since this instant.
    case reap(ReapReason, dueSince: Date? = nil)
    /// Leave it: it is being deleted already, or another object's end decides about it.
    case leave

    /// When the object has to be looked at again; `Date.distantFuture` where only a change is a reason to.
    public var nextLook: Date {
        switch self {
        case .keep(let until, _): until
        case .reap: .distantPast
        case .leave: .distantFuture
        }
    }
}

/// Decides whether a preview lives on.
///
/// The precedence is pod gone, hard cap, idle; a gone claim comes last, and ends what would live on otherwise. What is
/// unknown reaps nothing: not an unknown pod or claim, and without a known time not the age. An object that is already
/// being deleted is left to whoever deletes it.
///
/// An expiry says that nobody has looked for so long. While keepalives could not be recorded it says nothing of the kind,
/// so it ends nothing before `idleFrom`; every other reason does.
///
/// - Parameters:
///   - preview: The preview as it was read.
///   - pod: What is known about its pod.
///   - claim: What is known about its run's claim, which counts only where previews are not kept after their run.
///   - now: The earliest instant that the cluster's clock can show now; nil when that is not known.
///   - idleFrom: The instant from which an expiry counts; `Date.distantPast` where every expiry does.
///   - policy: How long previews live.
public func decide(
    _ preview: Preview,
    pod: Presence,
    claim: Presence,
    now: Date?,
    idleFrom: Date = .distantPast,
    policy: LifetimePolicy
) -> ReapVerdict {
    if preview.isBeingDeleted { return .leave }
    if pod == .gone { return .reap(.podGone) }
    let maxUntil = preview.effectiveMaxUntil(policy: policy)
    let expiresAt = preview.effectiveExpiresAt(policy: policy)
    let deadline = min(max(expiresAt, idleFrom), maxUntil)
    if let now, now >= deadline {
        return .reap(now >= maxUntil ? .hardCap : .idle, dueSince: min(expiresAt, maxUntil))
    }
    if claim == .gone, !policy.keepsAfterRun { return .reap(.claimGone) }
    return .keep(until: deadline, then: deadline < maxUntil ? .idle : .hardCap)
}
