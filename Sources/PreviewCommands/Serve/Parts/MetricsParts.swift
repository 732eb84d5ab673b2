internal import FoundationEssentials
internal import KubernetesClient
internal import Metrics
internal import PreviewCluster
internal import PreviewControl
internal import PreviewServer
internal import PrometheusMetrics
internal import Router

/// The metrics page: the registry's counters and histograms, and gauges that are set when the page is requested.
struct MetricsParts: Sendable {
    private let shared: SharedParts
    private let previews: PreviewParts

    init(_ shared: SharedParts, _ previews: PreviewParts) {
        self.shared = shared
        self.previews = previews
    }

    /// All metrics in Prometheus' text format.
    @Sendable func page() -> String {
        observe()
        return shared.metrics.text
    }

    /// Sets the gauges. A value that is unknown is not set: its gauge keeps the last value, or is absent if there was none.
    private func observe() {
        let build = BuildInfo.current
        set(.buildInfo, 1, ("version", build.version), ("commit", build.commit), ("built", build.date))
        shared.router?.updateGauges()
        set(.brake, previews.core.brake.reason == nil ? 0 : 1)
        set(.idleReapingPaused, previews.core.outage.timeUntilIdlenessCounts == .zero ? 0 : 1)
        if let count = previews.core.mirror.previewCount { set(.previews, Double(count)) }
        for (resource, age) in previews.feed.cacheAges {
            set(.cacheAge, age / .seconds(1), ("resource", resource))
        }
        let clock = shared.cluster.client.serverClock
        if let skew = clock.skew(of: Date()) { set(.clockSkew, skew / .seconds(1)) }
        if clock.reading() != nil { set(.clockDisagreement, (clock.contradiction ?? .zero) / .seconds(1)) }
        if let reading = clock.reading() { set(.clockUncertainty, reading.width / .seconds(1)) }
    }

    private func set(_ metric: PreviewMetric, _ value: Double, _ dimensions: (String, String)...) {
        Meter(label: metric.rawValue, dimensions: dimensions, factory: shared.metrics).set(value)
    }
}
