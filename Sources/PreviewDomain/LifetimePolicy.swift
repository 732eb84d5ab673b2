public import FoundationEssentials

/// How long previews live.
public struct LifetimePolicy: Hashable, Sendable {
    /// How long a preview lives after its start or an acknowledged keepalive.
    public let idleTimeout: Duration
    /// How long a preview lives at most, whatever the keepalives say.
    public let maxLifetime: Duration
    /// How much longer than `idleTimeout` a keepalive may reach, so that the next ones need no write.
    public let keepaliveCoalesce: Duration
    /// Whether previews live on when their run's claim is gone.
    public let keepsAfterRun: Bool

    /// Sets how long previews live; the defaults are the contract's.
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

    /// How much longer than `idleTimeout` a keepalive that is written reaches: `keepaliveCoalesce`, at most a tenth of
    /// the idle time-out.
    ///
    /// Of pings that come every `interval`, one in ⌊slack / interval⌋ + 1 writes. By default that is one in four while
    /// they are at most 60 s apart, and one in three when they are a little further apart. No rule within the contract
    /// needs fewer writes: an acknowledged ping promises the whole idle time-out from then on, so the first ping after
    /// the slack is used up has to write, and the slack is at most a tenth of the idle time-out, 180 s by default.
    public var slack: Duration { min(keepaliveCoalesce, idleTimeout / 10) }

    /// The two instants that a new preview is written with.
    ///
    /// - Parameter startedAt: When the preview starts, by the cluster's clock.
    public func initial(startedAt: Date) -> (expiresAt: Date, maxUntil: Date) {
        let maxUntil = startedAt + maxLifetime
        return (min(startedAt + idleTimeout, maxUntil), maxUntil)
    }

    /// What a keepalive has to do.
    ///
    /// The cluster's time is known as an interval. What is promised counts from its end, so that an acknowledged
    /// keepalive holds for the whole idle time-out whatever the time really was. Expired is only what is expired at
    /// the interval's beginning, the same instant by which the reaper judges: in between the preview is still there and
    /// may be extended, and a reaper that judged the older state is stopped by its precondition.
    ///
    /// - Parameters:
    ///   - preview: The preview as it was read.
    ///   - now: The earliest and the latest instant that the cluster's clock can show now.
    ///   - idlenessCounts: False while nothing is reaped for idleness: then what has expired by idling alone is revived.
    public func keepalive(
        _ preview: Preview,
        now: (earliest: Date, latest: Date),
        idlenessCounts: Bool = true
    ) -> KeepaliveDecision {
        let deadline = preview.deadline(policy: self)
        let maxUntil = preview.effectiveMaxUntil(policy: self)
        guard !preview.isBeingDeleted, now.earliest < (idlenessCounts ? deadline : maxUntil) else { return .expired }
        let promise = now.latest + idleTimeout
        if deadline >= min(promise, maxUntil) { return .alreadyAlive(expiresAt: deadline) }
        return .extend(to: min(promise + slack, maxUntil))
    }
}

/// What a keepalive has to do.
public enum KeepaliveDecision: Hashable, Sendable {
    /// The preview is over, or being deleted, and is not revived.
    case expired
    /// The preview already lives long enough; nothing is written.
    case alreadyAlive(expiresAt: Date)
    /// The preview's expiry is to be replaced by this later one.
    case extend(to: Date)
}
