internal import FoundationEssentials
internal import KubernetesClient
internal import Metrics
internal import PreviewCluster
internal import PreviewControl
internal import PreviewServer
internal import PrometheusMetrics
internal import Router

/// What the metrics page shows: what was counted, and what is true at the moment of asking.
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

    /// What is not known is not shown as zero: its gauge keeps its last value, or is not there yet.
    private func observe() {
        let build = BuildInfo.current
        set(.buildInfo, 1, ("version", build.version), ("commit", build.commit), ("built", build.date))
        shared.router?.router.observe()
        set(.brake, previews.core.brake.reason == nil ? 0 : 1)
        set(.idleReapingPaused, previews.core.outage.timeUntilIdlenessCounts == .zero ? 0 : 1)
        if let count = previews.core.mirror.previewCount { set(.previews, Double(count)) }
        for (resource, silence) in previews.feed.silences {
            set(.cacheAge, silence / .seconds(1), ("resource", resource))
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
