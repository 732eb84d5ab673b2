internal import KubernetesClient
internal import KubernetesModel
internal import Metrics
internal import PreviewControl

/// Counts how often a watch breaks, and why.
struct WatchMetrics: Sendable {
    private let factory: any MetricsFactory

    init(_ factory: any MetricsFactory) {
        self.factory = factory
    }

    func note<Object>(_ event: InformerEvent<Object>, of resource: APIResource) {
        guard case .interrupted(let error) = event else { return }
        Counter(
            label: PreviewMetric.watchRestarts.rawValue,
            dimensions: [("resource", resource.plural), ("cause", error.kind.label)],
            factory: factory
        ).increment()
    }
}
