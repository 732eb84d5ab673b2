/// Starts previews for agents: nothing is created, patched or labelled before a recorded grant.
///
/// A request waits as an annotation on the run's claim, so whoever decides can do it on any replica, and a replica that
/// dies loses no more than its callers' connections. Who may ask and who may decide is settled before any of these is
/// called.
public struct AgentPreviewGate: Sendable {
    let policy: ApprovalPolicy
    let previews: Previews
    let store: any ApprovalStore
    let index: ApprovalIndex
    let facts: (any RunFactsSource)?
    let timeline: any Timeline
    let startsUnderWay = StartsUnderWay()

    /// - Parameters:
    ///   - previews: Starts what was approved.
    ///   - store: Where approvals are kept.
    ///   - index: This replica's copy of them, which ``ApprovalKeeper`` keeps up to date.
    ///   - facts: What else is known about runs; nil where no core API is configured.
    ///   - timeline: Gets told what was asked and decided.
    init(
        policy: ApprovalPolicy,
        previews: Previews,
        store: any ApprovalStore,
        index: ApprovalIndex,
        facts: (any RunFactsSource)?,
        timeline: any Timeline
    ) {
        self.policy = policy
        self.previews = previews
        self.store = store
        self.index = index
        self.facts = facts
        self.timeline = timeline
    }

    /// The longest time for which ``start(run:port:requester:onPending:)`` waits for a decision.
    public var approvalWindow: Duration { policy.window }

    /// Whether the owner of a run may approve for every run. Operators always may.
    public var ownersMayApproveAlways: Bool { policy.ownersMayApproveAlways }
}
