internal import KubernetesClient
public import PreviewControl

extension ClusterPorts {
    /// The ports to the cluster that the previews' objects are in.
    ///
    /// - Parameters:
    ///   - mirror: This replica's copy of the cluster.
    ///   - time: What is taken for the cluster's time; nil for what the API server says.
    public init(
        _ objects: KubernetesPreviewObjects,
        mirror: ClusterMirror,
        feed: any ClusterFeed,
        time: (any ClusterTime)? = nil,
        probe: any PreviewProbe
    ) {
        let (client, manifests) = (objects.client, objects.manifests)
        self.init(
            sandboxes: KubernetesSandboxDirectory(client: client, namespace: manifests.namespace, mirror: mirror),
            objects: objects,
            feed: feed,
            time: time ?? KubernetesClusterTime(client.serverClock),
            probe: probe,
            approvals: KubernetesApprovalStore(client: client, manifests: manifests)
        )
    }
}
