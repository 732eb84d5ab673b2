internal import OpenSSLKit
internal import PreviewCluster
internal import PreviewControl
internal import PreviewDomain
internal import ServiceLifecycle

/// The core of this replica on the cluster.
struct PreviewParts: Sendable {
    let feed: KubernetesClusterFeed
    let ports: ClusterPorts
    let core: ReplicaCore
    private let timeKeeper: ClusterTimeKeeper

    init(_ shared: SharedParts, _ timeline: TimelineParts) {
        let cluster = shared.cluster
        feed = KubernetesClusterFeed(
            client: cluster.client,
            namespace: cluster.settings.namespace,
            sandboxes: shared.sandboxes,
            metrics: shared.metrics
        )
        ports = ClusterPorts(
            cluster.objects,
            cache: shared.sandboxes,
            feed: timeline.chronicle.listening(to: feed),
            probe: GatewayProbe(
                transport: shared.probes,
                address: shared.settings.address,
                names: ZoneNames(shared.settings.address.zone, uptime: shared.time.uptime)
            ),
            metrics: shared.metrics
        )
        core = ReplicaCore(
            ports,
            policy: cluster.policy,
            approvalPolicy: shared.settings.approvals,
            facts: shared.coreAPI.flatMap { client in
                shared.serviceKey.map { CoreAPIRunFacts(client: client, key: $0) }
            },
            timeline: timeline.broadcast,
            time: shared.time,
            randomBytes: { try CSPRNG.bytes($0) },
            metrics: shared.metrics,
            logger: shared.logger
        )
        timeKeeper = ClusterTimeKeeper(client: cluster.client, time: shared.time, logger: shared.logger)
    }

    /// In the order of their start.
    var services: [any Service] { [timeKeeper, core.reaper, core.keeper] }
}
