internal import KubernetesClient
public import Metrics
public import PreviewControl

extension ClusterPorts {
    /// The ports to the cluster that the previews' objects are in.
    ///
    /// - Parameters:
    ///   - cache: This replica's copy of what leads from runs to their pods, which `feed` keeps up to date.
    ///   - time: What is taken for the cluster's time; nil for what the API server says.
    ///   - metrics: Where is counted how often a watch over approvals breaks.
    public init(
        _ objects: KubernetesPreviewObjects,
        cache: SandboxCache,
        feed: any ClusterFeed,
        time: (any ClusterTime)? = nil,
        probe: any PreviewProbe,
        metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        let (client, manifests) = (objects.client, objects.manifests)
        self.init(
            sandboxes: KubernetesSandboxDirectory(client: client, namespace: manifests.namespace, cache: cache),
            objects: objects,
            feed: feed,
            time: time ?? KubernetesClusterTime(client.serverClock),
            probe: probe,
            approvals: KubernetesApprovalStore(client: client, manifests: manifests),
            approvalFeed: KubernetesApprovalFeed(client: client, manifests: manifests, metrics: metrics)
        )
    }
}
