public import FoundationEssentials

/// The lifetimes of previews.
public struct LifetimePolicy: Hashable, Sendable {
    /// How long a preview lives after its start or an acknowledged keepalive.
    public let idleTimeout: Duration
    /// The longest lifetime of a preview, regardless of keepalives.
    public let maxLifetime: Duration
    /// How far a keepalive may move the expiry beyond `idleTimeout`, so that the next keepalives need no write.
    public let keepaliveCoalesce: Duration
    /// Whether previews continue when their run's claim is gone.
    public let keepsAfterRun: Bool

    /// Creates a policy; the defaults are the contract's.
    public init(
        idleTimeout: Duration = .seconds(30 * 60),
        maxLifetime: Duration = .seconds(8 * 60 * 60),
        keepaliveCoalesce: Duration = .seconds(180),
        keepsAfterRun: Bool = true
    ) {
        self.idleTimeout = idleTimeout
        self.maxLifetime = maxLifetime
        self.keepaliveCoalesce = keepaliveCoalesce
        self.keepsAfterRun = keepsAfterRun
    }

    /// How far a written keepalive moves the expiry beyond `idleTimeout`: `keepaliveCoalesce`, at most a tenth of the
    /// idle time-out.
    ///
    /// Of pings that come every `interval`, one in ⌊margin / interval⌋ + 1 writes. By default that is one in four while
    /// they are at most 60 s apart, and one in three when they are a little further apart. No rule within the contract
    /// needs fewer writes: an acknowledged ping guarantees the whole idle time-out from then on, so the first ping
    /// after the margin is used has to write, and the margin is at most a tenth of the idle time-out, 180 s by default.
    public var keepaliveMargin: Duration { min(keepaliveCoalesce, idleTimeout / 10) }

    /// The two deadlines of a new preview.
    ///
    /// - Parameter startedAt: When the preview starts, by the cluster's clock.
    public func initialDeadlines(startedAt: Date) -> (expiresAt: Date, maxUntil: Date) {
        let maxUntil = startedAt + maxLifetime
        return (min(startedAt + idleTimeout, maxUntil), maxUntil)
    }

    /// Whether a preview has not ended: it is not being deleted, and it is not due.
    ///
    /// - Parameters:
    ///   - preview: The preview as it was read.
    ///   - earliest: The earliest instant that the cluster's clock can show now.
    ///   - idlenessCounts: False while no idle previews are deleted: then only the cap counts.
    public func isLiving(_ preview: Preview, now earliest: Date, idlenessCounts: Bool) -> Bool {
        let end = idlenessCounts ? preview.deadline(policy: self) : preview.effectiveMaxUntil(policy: self)
        return !preview.isBeingDeleted && earliest < end
    }

    /// The decision about a keepalive.
    ///
    /// The cluster's time is known as an interval. The guarantee counts from its latest instant, so that an
    /// acknowledged keepalive holds for the whole idle time-out. A preview counts as expired only if it is expired at
    /// the earliest instant, by which the reaper evaluates too: in between the preview still exists and may be extended,
    /// and a reaper that evaluated the older state is stopped by its precondition.
    ///
    /// - Parameters:
    ///   - preview: The preview as it was read.
    ///   - now: The earliest and the latest instant that the cluster's clock can show now.
    ///   - idlenessCounts: False while no idle previews are deleted: then a preview that is only expired as idle is
    /// revived.
    public func keepalive(
        _ preview: Preview,
        now: (earliest: Date, latest: Date),
        idlenessCounts: Bool = true
    ) -> KeepaliveDecision {
        let deadline = preview.deadline(policy: self)
        let maxUntil = preview.effectiveMaxUntil(policy: self)
        guard isLiving(preview, now: now.earliest, idlenessCounts: idlenessCounts) else { return .expired }
        let promise = now.latest + idleTimeout
        if deadline >= min(promise, maxUntil) { return .alreadyAlive(expiresAt: deadline) }
        return .extend(to: min(promise + keepaliveMargin, maxUntil))
    }
}

/// The decision about a keepalive.
public enum KeepaliveDecision: Hashable, Sendable {
    /// The preview has ended, or is being deleted, and is not revived.
    case expired
    /// The preview's expiry is late enough; nothing is written.
    case alreadyAlive(expiresAt: Date)
    /// The preview's expiry is to be replaced by this later one.
    case extend(to: Date)
}
