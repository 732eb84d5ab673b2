public import Metrics
internal import PreviewDomain

/// Counts what the use cases and the reaper do.
public struct PreviewMetrics: Sendable {
    /// Who asked for a preview.
    enum Starter: String, Sendable, CaseIterable {
        /// On the operator's route, which needs no approval.
        case `operator`
        /// On the agent's route, through the gate.
        case agent
    }

    let factory: any MetricsFactory
    /// Made once: thousands of previews may end at the same instant.
    private let reaped: [ReapReason: Counter]
    private let reapLag: Metrics.Timer

    private let refused: RefusedStarts?

    /// - Parameter factory: Where the metrics go; without a backend nowhere.
    public init(_ factory: any MetricsFactory = MetricsSystem.factory) {
        self.init(factory, refused: nil)
    }

    /// - Parameter refused: Where starts that are refused are logged.
    init(_ factory: any MetricsFactory, refused: RefusedStarts?) {
        self.factory = factory
        self.refused = refused
        reaped = Dictionary(
            uniqueKeysWithValues: ReapReason.allCases.map {
                ($0, factory.counter(.reaped, ("reason", $0.rawValue)))
            }
        )
        reapLag = factory.timer(.reapLag)
    }

    /// Counts what becomes of a start, and logs why it is refused.
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
            refused?.note(error, run: run, port: port, requester: requester)
            throw error
        }
    }

    private func count(_ starter: Starter, _ result: String) {
        factory.counter(.starts, ("by", starter.rawValue), ("result", result)).increment()
    }

    /// - Parameter lag: The time from the deadline, where there was one.
    func countReaped(_ reason: ReapReason, lag: Duration?) {
        reaped[reason]?.increment()
        if let lag { reapLag.record(duration: max(lag, .zero)) }
    }

    func countAverted(_ rescue: ReapOutcome.Rescue) {
        factory.counter(.reapAverted, ("by", rescue.rawValue)).increment()
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

/// The metrics of the service, by the names under which Prometheus sees them.
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

    /// One sentence about it.
    public var help: String {
        switch self {
        case .previews: "Previews in the cluster, as this replica knows them."
        case .starts: "Starts asked of this replica, by who asked and what came of it."
        case .startDuration: "From the request, or from the consent, to both objects existing."
        case .reaped: "Previews and halves of previews that this replica deleted, by reason."
        case .reapLag: "From a preview's deadline to its deletion by this replica."
        case .reapAverted: "Deletions that were decided on and did not happen, by what saved the preview."
        case .approvalWait: "From a request for approval to its end, by how it ended."
        case .clusterRequests: "Requests to the API server, by verb, resource and status code."
        case .clusterRequestDuration: "How long requests to the API server took, by verb; of a watch, until it began."
        case .clusterRefusals: "Requests that the API server refused or failed for good, by cause."
        case .watchRestarts: "Watches that broke and were begun anew, by resource and cause."
        case .cacheAge: "How long ago the API server last confirmed the copy of a resource."
        case .clockSkew: "How far this machine's clock is ahead of the API server's, at least; negative when behind."
        case .clockDisagreement:
            "How far an API server's clock is ahead of the time that is believed, while one contradicts it; else 0."
        case .clockUncertainty: "How much of the API server's time is uncertain to this replica."
        case .brake: "1 while this replica refuses new previews because it cannot take old ones back."
        case .idleReapingPaused:
            "1 while this replica reaps nothing for idleness, because keepalives could not be recorded until a moment ago."
        case .timelineDropped: "Events of the timeline that were lost, by where they were to be written."
        case .buildInfo: "Always 1; the labels say which build this replica is."
        case .connectionsClosed: "Connections of callers that this replica closed, by reason."
        }
    }
}
