internal import CoreAPI
internal import HTTPTransport
internal import Logging
internal import PreviewControl
internal import PreviewIdentity
internal import PreviewServer

extension PreviewService {
    /// What takes the timeline's entries to the core API; `nil` where there is none.
    ///
    /// - Parameter key: The service key, which the core API shares.
    func coreAPIQueue(
        transport: any HTTPTransport,
        key: (@Sendable () -> ServiceKey)?,
        clusterTime: any ClusterTime,
        time: MonotonicTime
    ) -> TimelineQueue? {
        guard let base = settings.coreAPI else { return nil }
        guard let key else {
            logger.warning("the core API is told nothing of the timeline, because no service key is configured")
            return nil
        }
        let sink = CoreAPITimelineSink(client: CoreAPIClient(base: base, transport: transport)) { key().bearer }
        return TimelineQueue(
            name: "core_api",
            sink: sink,
            clusterTime: clusterTime,
            time: time,
            logger: logger
        )
    }
}
