/// All that the core of a replica asks of its cluster.
public struct ClusterPorts: Sendable {
    public let sandboxes: any SandboxDirectory
    public let objects: any PreviewObjects
    /// Keeps a ``ClusterMirror`` up to date.
    public let feed: any ClusterFeed
    public let time: any ClusterTime
    public let probe: any PreviewProbe
    public let approvals: any ApprovalStore

    public init(
        sandboxes: any SandboxDirectory,
        objects: any PreviewObjects,
        feed: any ClusterFeed,
        time: any ClusterTime,
        probe: any PreviewProbe,
        approvals: any ApprovalStore
    ) {
        self.sandboxes = sandboxes
        self.objects = objects
        self.feed = feed
        self.time = time
        self.probe = probe
        self.approvals = approvals
    }
}
