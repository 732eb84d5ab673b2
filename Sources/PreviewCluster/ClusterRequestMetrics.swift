public import KubernetesClient
internal import KubernetesModel
public import Metrics
internal import PreviewControl
internal import Synchronization

/// Counts requests to the API server. Every label has few values: neither paths nor names are labels.
public final class ClusterRequestMetrics: Sendable {
    private struct Labels: Hashable {
        let verb: RequestVerb
        let resource: String
        let code: String
    }

    private struct State {
        var counters: [Labels: Counter] = [:]
        var timers: [RequestVerb: Timer] = [:]
    }

    private let factory: any MetricsFactory
    /// The existing counters, since looking one up by its labels takes longer than counting.
    private let known = Mutex(State())

    /// - Parameter factory: The destination of the metrics.
    public init(_ factory: any MetricsFactory) {
        self.factory = factory
    }

    /// Records one attempt of a request; for ``KubernetesClient``'s observer.
    public func observe(_ request: RequestObservation) {
        let labels = Labels(
            verb: request.verb,
            resource: request.resource,
            code: request.statusCode.map { "\($0)" } ?? request.outcome
        )
        let (counter, timer) = known.withLock { known -> (Counter, Timer) in
            let counter = known.counters[labels] ?? makeCounter(labels)
            let timer = known.timers[request.verb] ?? makeTimer(request.verb)
            known.counters[labels] = counter
            known.timers[request.verb] = timer
            return (counter, timer)
        }
        counter.increment()
        timer.record(duration: request.duration)
    }

    private func makeCounter(_ labels: Labels) -> Counter {
        Counter(
            label: PreviewMetric.clusterRequests.rawValue,
            dimensions: [("verb", labels.verb.rawValue), ("resource", labels.resource), ("code", labels.code)],
            factory: factory
        )
    }

    private func makeTimer(_ verb: RequestVerb) -> Timer {
        Timer(
            label: PreviewMetric.clusterRequestDuration.rawValue,
            dimensions: [("verb", verb.rawValue)],
            factory: factory
        )
    }
}

/// Counts broken watches, by cause.
struct WatchMetrics: Sendable {
    private let factory: any MetricsFactory

    init(_ factory: any MetricsFactory) {
        self.factory = factory
    }

    func record<Object>(_ event: InformerEvent<Object>, of resource: APIResource) {
        guard case .interrupted(let error) = event else { return }
        Counter(
            label: PreviewMetric.watchRestarts.rawValue,
            dimensions: [("resource", resource.plural), ("cause", error.kind.label)],
            factory: factory
        ).increment()
    }
}
