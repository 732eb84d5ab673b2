internal import OpenSSLKit
internal import PreviewCluster
internal import PreviewControl
internal import ServiceLifecycle

/// The core of this replica, with the implementations of its ports on Kubernetes.
struct PreviewParts: Sendable {
    let feed: KubernetesClusterFeed
    let ports: ClusterPorts
    let core: ReplicaCore
    private let timeKeeper: ClusterTimeKeeper

    /// - Parameter names: Resolves the host names of previews.
    init(_ shared: SharedParts, _ timeline: TimelineParts, names: any NameLookup) {
        let cluster = shared.cluster
        feed = KubernetesClusterFeed(
            client: cluster.client,
            manifests: cluster.manifests,
            metrics: shared.metrics
        )
        ports = ClusterPorts(
            cluster.objects,
            mirror: shared.mirror,
            feed: feed,
            probe: GatewayProbe(
                transport: shared.probes,
                address: shared.settings.address,
                names: names
            )
        )
        core = ReplicaCore(
            ports,
            mirror: shared.mirror,
            policy: cluster.policy,
            approvalPolicy: shared.settings.approvals,
            facts: shared.runFacts(),
            timeline: timeline.broadcast,
            time: shared.time,
            randomBytes: { try CSPRNG.bytes($0) },
            metrics: shared.metrics,
            logger: shared.logger
        )
        timeKeeper = ClusterTimeKeeper(client: cluster.client, time: shared.time, logger: shared.logger)
    }

    /// The services, in the order in which they start.
    var services: [any Service] {
        [timeKeeper, core.mirrorRunner, core.reaper, core.approvalExpiry, core.follower]
            + (core.labelsPods ? [core.podLabels] : [])
    }
}
