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
