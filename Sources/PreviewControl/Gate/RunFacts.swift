public import PreviewDomain

/// What the platform's core API says about a run, as far as approvals depend on it.
public struct RunFacts: Hashable, Sendable {
    /// The run's option to approve every tool.
    public var approvesToolsAutomatically: Bool
    /// The run that started this one.
    public var parent: RunID?

    public init(approvesToolsAutomatically: Bool = false, parent: RunID? = nil) {
        self.approvesToolsAutomatically = approvesToolsAutomatically
        self.parent = parent
    }
}

/// Knows runs beyond what their claims say.
public protocol RunFactsSource: Sendable {
    /// - Returns: nil when nothing is known or nobody can be asked right now: then a human decides.
    func facts(of run: RunID) async -> RunFacts?
}
