public import KubernetesClient
public import Metrics
internal import PreviewControl

/// Counts requests to the API server. Every label has few values: neither paths nor names are among them.
public struct ClusterRequestMetrics: Sendable {
    private let factory: any MetricsFactory

    /// - Parameter factory: Where the metrics go.
    public init(_ factory: any MetricsFactory) {
        self.factory = factory
    }

    /// Takes one attempt of a request; for ``KubernetesClient``'s observer.
    public func observe(_ request: RequestObservation) {
        Counter(
            label: PreviewMetric.clusterRequests.rawValue,
            dimensions: [
                ("verb", request.verb.rawValue), ("resource", request.resource),
                ("code", request.statusCode.map { "\($0)" } ?? request.outcome),
            ],
            factory: factory
        ).increment()
        Timer(
            label: PreviewMetric.clusterRequestDuration.rawValue,
            dimensions: [("verb", request.verb.rawValue)],
            factory: factory
        ).record(duration: request.duration)
    }
}
