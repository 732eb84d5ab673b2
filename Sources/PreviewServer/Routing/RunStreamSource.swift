public import PreviewControl

/// The source of this service's events for the readers of a run's event stream.
public final class RunStreamSource: Sendable {
    let gate: AgentPreviewGate
    let broadcast: TimelineBroadcast
    /// Finds the pending requests of the run's child runs; `nil` if they are not merged.
    let children: ChildRequestFinder?
    let commentInterval: Duration

    /// - Parameters:
    ///   - children: Finds the pending requests of child runs; `nil` if they are not merged.
    ///   - commentInterval: How often a comment is sent to a reader who gets nothing else. The core API sends none, and
    ///     load balancers close connections that are silent for one to four minutes.
    public init(
        gate: AgentPreviewGate,
        broadcast: TimelineBroadcast,
        children: ChildRequestFinder? = nil,
        commentInterval: Duration = .seconds(20)
    ) {
        self.gate = gate
        self.broadcast = broadcast
        self.children = children
        self.commentInterval = commentInterval
    }
}
