/// Where is written down what happened to a run's previews.
public protocol Timeline: Sendable {
    /// Takes an event and returns at once; writing it down happens later, and never holds up what it reports.
    func record(_ event: TimelineEvent)
}
