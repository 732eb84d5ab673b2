internal import Logging
internal import PreviewCluster
internal import PreviewControl
internal import PreviewIdentity
internal import PreviewServer
internal import ServiceLifecycle

/// The timeline: Events on the runs' claims, and copies of them for the core API.
struct TimelineParts: Sendable {
    let log: KubernetesTimelineLog
    private let queue: TimelineQueue
    /// Passes every event to the queue, and to the callers that follow a run on this replica.
    let broadcast: TimelineBroadcast
    let eventRecorder: PreviewEventRecorder
    private let coreAPIQueue: TimelineQueue?

    init(_ shared: SharedParts) {
        log = KubernetesTimelineLog(
            client: shared.cluster.client,
            namespace: shared.settings.cluster.namespace,
            time: shared.time,
            logger: shared.logger
        )
        coreAPIQueue = Self.coreAPIQueue(shared)
        queue = TimelineQueue(
            name: "kubernetes",
            sink: log,
            next: coreAPIQueue,
            clusterTime: shared.cluster.time,
            time: shared.time,
            metrics: shared.metrics,
            logger: shared.logger
        )
        broadcast = TimelineBroadcast(to: queue)
        eventRecorder = PreviewEventRecorder(
            policy: shared.cluster.policy,
            mirror: shared.mirror,
            clusterTime: shared.cluster.time,
            timeline: broadcast,
            time: shared.time
        )
    }

    /// The services, in the order in which they start.
    var services: [any Service] {
        let services: [(any Service)?] = [coreAPIQueue, queue, eventRecorder]
        return services.compactMap(\.self)
    }

    /// The queue that sends the timeline's entries to the core API; `nil` without a core API or a service key.
    private static func coreAPIQueue(_ shared: SharedParts) -> TimelineQueue? {
        guard let client = shared.coreAPI else { return nil }
        guard let key = shared.serviceKey else {
            shared.logger.warning(
                "the timeline is not copied to the core API, because no service key is configured"
            )
            return nil
        }
        return TimelineQueue(
            name: "core_api",
            sink: CoreAPITimelineSink(client: client, time: shared.time, logger: shared.logger) { key().bearer },
            clusterTime: shared.cluster.time,
            time: shared.time,
            metrics: shared.metrics,
            logger: shared.logger
        )
    }
}
