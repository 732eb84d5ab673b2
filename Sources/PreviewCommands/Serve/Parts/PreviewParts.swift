internal import OpenSSLKit
internal import PreviewCluster
internal import PreviewControl
internal import ServiceLifecycle

/// What starts previews, keeps them alive, stops them, and ends them in time.
struct PreviewParts: Sendable {
    let brake: Brake
    let index: PreviewIndex
    let feed: KubernetesClusterFeed
    let previews: Previews
    private let reaper: Reaper
    private let timeKeeper: ClusterTimeKeeper

    init(_ shared: SharedParts, _ timeline: TimelineParts) {
        let cluster = shared.cluster
        let metrics = PreviewMetrics(shared.metrics)
        index = PreviewIndex(policy: cluster.policy)
        brake = Brake(policy: cluster.policy, time: shared.time)
        previews = Previews(
            policy: cluster.policy,
            sandboxes: shared.directory,
            objects: cluster.objects,
            clusterTime: cluster.time,
            probe: GatewayProbe(transport: shared.transport, address: shared.settings.address),
            index: index,
            brake: brake,
            timeline: timeline.queue,
            randomBytes: { try CSPRNG.bytes($0) },
            time: shared.time,
            metrics: metrics,
            logger: shared.logger
        )
        feed = KubernetesClusterFeed(
            client: cluster.client,
            namespace: cluster.settings.namespace,
            sandboxes: shared.sandboxes,
            metrics: shared.metrics
        )
        reaper = Reaper(
            policy: cluster.policy,
            index: index,
            feed: timeline.chronicle.listening(to: feed),
            objects: cluster.objects,
            clusterTime: cluster.time,
            brake: brake,
            timeline: timeline.queue,
            time: shared.time,
            metrics: metrics,
            logger: shared.logger
        )
        timeKeeper = ClusterTimeKeeper(client: cluster.client, time: shared.time)
    }

    /// In the order of their start.
    var services: [any Service] { [timeKeeper, reaper] }
}
