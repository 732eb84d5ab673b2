/// What a caller can want of a run.
public enum RunAction: String, Hashable, Sendable, CaseIterable {
    /// Start a preview without asking anybody.
    case start
    /// Ask for a preview, which a human may have to approve.
    case startAsAgent
    case keepAlive
    case list
    case stop
    /// Approve, deny, or switch automatic approval.
    case decide
    /// Read the pending and recent approvals.
    case readApprovals
    /// Follow what happens to the run's previews.
    case readTimeline

    /// Whether the run's agent may do it.
    var isForAgents: Bool {
        switch self {
        case .startAsAgent, .readApprovals: true
        case .start, .keepAlive, .list, .stop, .decide, .readTimeline: false
        }
    }

    /// Whether it changes nothing, so that everybody may do it who may see the run.
    var isLooking: Bool {
        switch self {
        case .list, .readApprovals, .readTimeline: true
        case .start, .startAsAgent, .keepAlive, .stop, .decide: false
        }
    }
}
