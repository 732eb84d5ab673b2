internal import Metrics
internal import PreviewDomain

/// Counts the work of the use cases and the reaper.
struct PreviewMetrics: Sendable {
    /// The kind of caller that requested a preview.
    enum Starter: String, Sendable, CaseIterable {
        /// On the operator's route, which needs no approval.
        case `operator`
        /// On the agent's route, through the gate.
        case agent
    }

    let factory: any MetricsFactory
    /// Created once: thousands of previews may end at the same instant.
    private let reaped: [ReapReason: Counter]
    private let reapLag: Metrics.Timer
    private let refused: RefusedStarts

    /// - Parameters:
    ///   - factory: The destination of the metrics.
    ///   - refused: Logs refused starts.
    init(_ factory: any MetricsFactory, refused: RefusedStarts) {
        self.factory = factory
        self.refused = refused
        reaped = Dictionary(
            uniqueKeysWithValues: ReapReason.allCases.map {
                ($0, factory.counter(.reaped, ("reason", $0.rawValue)))
            }
        )
        reapLag = factory.timer(.reapLag)
    }

    /// Counts the result of a start, and logs the reason of a refusal.
    func counting<Value>(
        _ starter: Starter,
        run: RunID,
        port: Int,
        requester: String,
        started: (Value) -> StartedPreview?,
        _ start: () async throws(PreviewError) -> Value
    ) async throws(PreviewError) -> Value {
        do {
            let value = try await start()
            if let preview = started(value) {
                count(starter, preview.isNew ? "started" : "joined")
                guard preview.isNew else { return value }
                factory.timer(.startDuration).record(duration: preview.provisioning)
            }
            return value
        } catch {
            count(starter, error.kind.rawValue)
            refused.record(error, run: run, port: port, requester: requester)
            throw error
        }
    }

    private func count(_ starter: Starter, _ result: String) {
        factory.counter(.starts, ("by", starter.rawValue), ("result", result)).increment()
    }

    /// - Parameter lag: The time from the deadline, if there was one.
    func countReaped(_ reason: ReapReason, lag: Duration?) {
        reaped[reason]?.increment()
        if let lag { reapLag.record(duration: max(lag, .zero)) }
    }

    func countAverted(_ keepReason: ReapOutcome.KeepReason) {
        factory.counter(.reapAverted, ("by", keepReason.rawValue)).increment()
    }

    /// - Parameter outcome: How the request for approval ended.
    func recordApprovalWait(_ wait: Duration, outcome: String) {
        factory.timer(.approvalWait, ("outcome", outcome)).record(duration: max(wait, .zero))
    }
}

extension MetricsFactory {
    fileprivate func counter(_ metric: PreviewMetric, _ dimensions: (String, String)...) -> Counter {
        Counter(label: metric.rawValue, dimensions: dimensions, factory: self)
    }

    fileprivate func timer(_ metric: PreviewMetric, _ dimensions: (String, String)...) -> Metrics.Timer {
        Metrics.Timer(label: metric.rawValue, dimensions: dimensions, factory: self)
    }
}

/// The metrics of the service, by their names in Prometheus.
///
/// None of them has a label with unbounded values, and none names a preview.
public enum PreviewMetric: String, Hashable, Sendable, CaseIterable {
    case previews = "preview_gateway_previews"
    case starts = "preview_gateway_starts_total"
    case startDuration = "preview_gateway_start_seconds"
    case reaped = "preview_gateway_reaped_total"
    case reapLag = "preview_gateway_reap_lag_seconds"
    case reapAverted = "preview_gateway_reap_averted_total"
    case approvalWait = "preview_gateway_approval_wait_seconds"
    case clusterRequests = "preview_gateway_cluster_requests_total"
    case clusterRequestDuration = "preview_gateway_cluster_request_seconds"
    case clusterRefusals = "preview_gateway_cluster_refusals_total"
    case watchRestarts = "preview_gateway_watch_restarts_total"
    case cacheAge = "preview_gateway_cache_age_seconds"
    case clockSkew = "preview_gateway_clock_skew_seconds"
    case clockDisagreement = "preview_gateway_cluster_clock_disagreement_seconds"
    case clockUncertainty = "preview_gateway_clock_uncertainty_seconds"
    case brake = "preview_gateway_brake"
    case idleReapingPaused = "preview_gateway_idle_reaping_paused"
    case timelineDropped = "preview_gateway_timeline_dropped_total"
    case buildInfo = "preview_gateway_build_info"
    case connectionsClosed = "preview_gateway_connections_closed_total"

    /// The description of the metric, one sentence.
    public var help: String {
        switch self {
        case .previews: "Previews in this replica's copy of the cluster."
        case .starts: "Starts that this replica processed, by caller and result."
        case .startDuration: "Time from the request, or from its approval, until both objects exist."
        case .reaped: "Previews, and single objects of previews, that this replica's reaper deleted, by reason."
        case .reapLag: "Time from a preview's deadline to its deletion by this replica."
        case .reapAverted: "Deletions that were decided and not carried out, by what prevented them."
        case .approvalWait: "Time from a request for approval to its outcome, by outcome."
        case .clusterRequests: "Requests to the API server, by verb, resource and status code."
        case .clusterRequestDuration:
            "Duration of requests to the API server, by verb; of a watch, until its response begins."
        case .clusterRefusals: "Requests that the API server refused or failed and that were not retried, by cause."
        case .watchRestarts: "Watches that broke and were restarted, by resource and cause."
        case .cacheAge: "Time since the API server last confirmed the copy of a resource."
        case .clockSkew:
            "Smallest possible lead of this machine's clock over the API server's; negative if it is behind."
        case .clockDisagreement:
            "Lead of a contradicting API server's clock over the established time; 0 if none contradicts."
        case .clockUncertainty: "Width of the interval in which the API server's time lies, as this replica knows it."
        case .brake: "1 while this replica refuses new previews because it cannot delete old ones."
        case .idleReapingPaused:
            "1 while this replica deletes no idle previews, because keepalives could not be recorded recently."
        case .timelineDropped: "Events of the timeline that were dropped, by destination."
        case .buildInfo: "Always 1; the labels identify the build of this replica."
        case .connectionsClosed: "Connections of callers that this replica closed, by reason."
        }
    }
}
