public import FoundationEssentials

/// The limits for the number of previews.
public struct PreviewLimits: Hashable, Sendable {
    /// The limit for one run.
    public let perRun: Int
    /// The limit for all runs.
    public let global: Int

    /// Creates limits; the defaults are the contract's.
    public init(perRun: Int = 3, global: Int = 20) {
        self.perRun = perRun
        self.global = global
    }

    /// Whether one more preview may be created.
    ///
    /// - Parameters:
    ///   - runCount: The present number of previews of the run.
    ///   - globalCount: The present number of all previews.
    public func decision(runCount: Int, globalCount: Int) -> LimitDecision {
        if runCount >= perRun { return .runLimitReached(perRun) }
        if globalCount >= global { return .globalLimitReached(global) }
        return .allowed
    }

    /// Whether a preview that was just created exceeds a limit and has to be withdrawn.
    ///
    /// All replicas order the previews in the same way, oldest first, and withdraw those beyond a limit: of several
    /// that exceeded a limit together, exactly the excess ones. `creationTimestamp` has whole seconds, so the order
    /// within one second does not show which came first: a start further behind may have checked before `mine` existed,
    /// and its preview stays. A start that need not withdraw by this rule but sees too many previews has to check
    /// again.
    ///
    /// - Parameters:
    ///   - mine: The preview that was just created.
    ///   - others: The previews that were listed after that; `mine` is not counted twice.
    public func requiresWithdrawal(of mine: PreviewRank, among others: some Sequence<PreviewRank>) -> Bool {
        var olderOfRun = 0
        var older = 0
        for other in others where other.isOlder(than: mine) {
            older += 1
            if other.run == mine.run { olderOfRun += 1 }
        }
        return decision(runCount: olderOfRun, globalCount: older) != .allowed
    }
}

/// Whether one more preview may be created.
public enum LimitDecision: Hashable, Sendable {
    /// It may be created.
    case allowed
    /// The run has reached its limit.
    case runLimitReached(Int)
    /// The limit for all runs is reached.
    case globalLimitReached(Int)
}

/// The position of a preview in the order of creation.
public struct PreviewRank: Hashable, Sendable {
    /// The HTTPRoute's `creationTimestamp`, whole seconds.
    public let createdAt: Date
    /// The preview's token, which is part of the HTTPRoute's name; it decides within one second.
    public let token: PreviewToken
    /// The run that the preview belongs to.
    public let run: RunLabel?

    /// Creates the position of a preview with these values.
    public init(createdAt: Date, token: PreviewToken, run: RunLabel?) {
        self.createdAt = createdAt
        self.token = token
        self.run = run
    }

    /// The position of a preview that was read from the cluster.
    public init(_ preview: Preview) {
        self.init(createdAt: preview.createdAt, token: preview.token, run: preview.run)
    }

    /// Whether this preview comes before another one.
    public func isOlder(than other: PreviewRank) -> Bool {
        (createdAt, token.text) < (other.createdAt, other.token.text)
    }
}
