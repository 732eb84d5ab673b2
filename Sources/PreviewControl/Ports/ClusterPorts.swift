/// All that the core of a replica asks of its cluster.
public struct ClusterPorts: Sendable {
    public let sandboxes: any SandboxDirectory
    public let objects: any PreviewObjects
    /// Keeps a ``PreviewIndex`` up to date.
    public let feed: any ClusterFeed
    public let time: any ClusterTime
    public let probe: any PreviewProbe
    public let approvals: any ApprovalStore
    /// Keeps an ``ApprovalIndex`` up to date.
    public let approvalFeed: any ApprovalFeed

    public init(
        sandboxes: any SandboxDirectory,
        objects: any PreviewObjects,
        feed: any ClusterFeed,
        time: any ClusterTime,
        probe: any PreviewProbe,
        approvals: any ApprovalStore,
        approvalFeed: any ApprovalFeed
    ) {
        self.sandboxes = sandboxes
        self.objects = objects
        self.feed = feed
        self.time = time
        self.probe = probe
        self.approvals = approvals
        self.approvalFeed = approvalFeed
    }
}
