internal import CoreAPI
internal import Logging
internal import PreviewControl
internal import PreviewIdentity
internal import PreviewServer

extension PreviewService {
    /// What takes the timeline's entries to the core API; `nil` where there is none.
    ///
    /// - Parameters:
    ///   - client: The core API, where there is one.
    ///   - key: The service key, which the core API shares.
    func coreAPIQueue(
        client: CoreAPIClient?,
        key: (@Sendable () -> ServiceKey)?,
        clusterTime: any ClusterTime,
        time: MonotonicTime
    ) -> TimelineQueue? {
        guard let client else { return nil }
        guard let key else {
            logger.warning("the core API is told nothing of the timeline, because no service key is configured")
            return nil
        }
        let sink = CoreAPITimelineSink(client: client) { key().bearer }
        return TimelineQueue(
            name: "core_api",
            sink: sink,
            clusterTime: clusterTime,
            time: time,
            logger: logger
        )
    }
}
