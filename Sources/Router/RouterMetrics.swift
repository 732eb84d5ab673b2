internal import Metrics
internal import NIOCore

/// The router's metrics, by their names in Prometheus. None has a label for a path, a caller or a run.
public enum RouterMetric: String, Hashable, Sendable, CaseIterable {
    case responses = "preview_gateway_router_answers_total"
    case failures = "preview_gateway_router_failures_total"
    case headDuration = "preview_gateway_router_head_seconds"
    case open = "preview_gateway_router_open_requests"

    /// The description of the metric, one sentence.
    public var help: String {
        switch self {
        case .responses: "Responses to requests for the core API, by status class and by who responded."
        case .failures: "Requests for the core API that failed, by phase and cause."
        case .headDuration: "Time from a request for the core API to the head of its response."
        case .open: "Requests that are being forwarded, by kind."
        }
    }
}

/// Records the router's metrics.
struct RouterMetrics: Sendable {
    /// The service that responded.
    enum Source: String, CaseIterable {
        case core
        case router
    }

    private let factory: any MetricsFactory
    private let headDuration: Timer
    /// By responder, and by first digit of the status from 2.
    private let responses: [Source: [Counter]]

    init(_ factory: any MetricsFactory) {
        self.factory = factory
        headDuration = Timer(label: RouterMetric.headDuration.rawValue, factory: factory)
        var responses: [Source: [Counter]] = [:]
        for source in Source.allCases {
            responses[source] = (2...5).map { first in
                Counter(
                    label: RouterMetric.responses.rawValue,
                    dimensions: [("by", source.rawValue), ("status", "\(first)xx")],
                    factory: factory
                )
            }
        }
        self.responses = responses
    }

    func recordResponse(_ status: Int, from source: Source) {
        guard (200..<600).contains(status) else { return }
        responses[source]?[status / 100 - 2].increment()
    }

    func headArrived(after time: TimeAmount) {
        headDuration.recordNanoseconds(time.nanoseconds)
    }

    /// - Parameter cause: One of a small number of values.
    func recordFailure(_ phase: Refusal.Phase, _ cause: String) {
        Counter(
            label: RouterMetric.failures.rawValue,
            dimensions: [("phase", phase.rawValue), ("cause", cause)],
            factory: factory
        ).increment()
    }

    func open(_ count: Int, _ kind: RouterSlots.Kind) {
        Meter(label: RouterMetric.open.rawValue, dimensions: [("kind", kind.rawValue)], factory: factory).set(count)
    }
}
