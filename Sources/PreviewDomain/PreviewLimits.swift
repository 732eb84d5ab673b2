public import FoundationEssentials

/// How many previews may exist at the same time.
public struct PreviewLimits: Hashable, Sendable {
    /// The most previews of one run.
    public let perRun: Int
    /// The most previews in all.
    public let global: Int

    /// Sets the limits; the defaults are the contract's.
    public init(perRun: Int = 3, global: Int = 20) {
        self.perRun = perRun
        self.global = global
    }

    /// Whether one more preview may be created.
    ///
    /// - Parameters:
    ///   - runCount: How many previews the run has now.
    ///   - globalCount: How many previews there are now.
    public func verdict(runCount: Int, globalCount: Int) -> LimitVerdict {
        if runCount >= perRun { return .runLimitReached(perRun) }
        if globalCount >= global { return .globalLimitReached(global) }
        return .allowed
    }

    /// Whether a preview that was just created is over a limit and has to withdraw.
    ///
    /// All replicas put the previews in the same order, oldest first, and those behind a limit withdraw: of several
    /// that overshot a limit together, exactly the excess ones. `creationTimestamp` has whole seconds, so within one
    /// second the order says nothing about which came first: one behind may have looked before `mine` existed and stays.
    /// A start that need not withdraw by this rule but sees too many has to look again.
    ///
    /// - Parameters:
    ///   - mine: The preview that was just created.
    ///   - others: The previews that were listed after that; `mine` among them is not counted twice.
    public func withdraws(_ mine: PreviewRank, among others: some Sequence<PreviewRank>) -> Bool {
        var olderOfRun = 0
        var older = 0
        for other in others where other.isOlder(than: mine) {
            older += 1
            if other.run == mine.run { olderOfRun += 1 }
        }
        return verdict(runCount: olderOfRun, globalCount: older) != .allowed
    }
}

/// Whether one more preview may be created.
public enum LimitVerdict: Hashable, Sendable {
    /// It may.
    case allowed
    /// The run has as many previews as it may have.
    case runLimitReached(Int)
    /// There are as many previews as there may be.
    case globalLimitReached(Int)
}

/// What a preview's place in the order of creation depends on.
public struct PreviewRank: Hashable, Sendable {
    /// The HTTPRoute's `creationTimestamp`, whole seconds.
    public let createdAt: Date
    /// The preview's token; the HTTPRoute's name, and so the token, decides within one second.
    public let token: PreviewToken
    /// The run that the preview belongs to.
    public let run: RunLabel?

    /// The place of a preview with these values.
    public init(createdAt: Date, token: PreviewToken, run: RunLabel?) {
        self.createdAt = createdAt
        self.token = token
        self.run = run
    }

    /// The place of a preview that was read back.
    public init(_ preview: Preview) {
        self.init(createdAt: preview.createdAt, token: preview.token, run: preview.run)
    }

    /// Whether this preview comes before another one.
    public func isOlder(than other: PreviewRank) -> Bool {
        (createdAt, token.text) < (other.createdAt, other.token.text)
    }
}
