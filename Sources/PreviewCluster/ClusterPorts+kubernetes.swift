internal import KubernetesClient
public import PreviewControl

extension ClusterPorts {
    /// The ports to the cluster that contains the previews' objects.
    ///
    /// - Parameters:
    ///   - mirror: This replica's copy of the cluster.
    ///   - time: The clock that is used as the cluster's time; nil for the API server's.
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
