public import KubernetesClient
internal import KubernetesModel
public import Logging
public import Metrics
public import PreviewControl
internal import PreviewDomain

/// Counts the requests that the API server refused or failed, and logs its own message: one for each cause and minute.
///
/// Callers get fixed texts, since the API server's message names objects. Operators need the message itself, so it is
/// logged with everything masked that may be secret.
public final class ClusterRefusals: Sendable {
    private struct Cause: Hashable {
        let kind: KubernetesError.Kind
        /// `nil` for a problem that affects all requests.
        let operation: String?
    }

    private let repeated: SharedLogThrottle<Cause>
    /// Created at the start, so that the first refusal increases a counter that was scraped before.
    private let counters: [KubernetesError.Kind: Counter]
    private let logger: Logger

    /// - Parameter factory: The destination of ``PreviewMetric/clusterRefusals``.
    public init(_ factory: any MetricsFactory, time: MonotonicTime, logger: Logger) {
        counters = Dictionary(
            uniqueKeysWithValues: KubernetesError.Kind.refusals.map { kind in
                let dimensions = [("cause", kind.label)]
                let label = PreviewMetric.clusterRefusals.rawValue
                return (kind, Counter(label: label, dimensions: dimensions, factory: factory))
            }
        )
        repeated = SharedLogThrottle(time: time)
        self.logger = logger
    }

    /// Records a request that failed and is not retried; for ``KubernetesClient``'s failure observer.
    public func observe(_ error: KubernetesError) {
        guard error.isRefusal else { return }
        counters[error.kind]?.increment()
        let cause = Cause(kind: error.kind, operation: error.concernsAllRequests ? nil : error.operation)
        guard let heldBack = repeated.admit(cause) else { return }
        logger.warning(
            "the API server refused or failed a request",
            metadata: [
                "cause": "\(error.kind.label)",
                "request": "\(error.operation ?? "unknown")",
                "code": "\(error.statusCode ?? 0)",
                "reason": "\(SecretMask.mask(error.sensitiveStatus?.message ?? "none given"))",
                "held_back": "\(heldBack)",
            ]
        )
    }
}

extension KubernetesError {
    /// Whether the cause does not depend on the request.
    fileprivate var concernsAllRequests: Bool {
        switch kind {
        case .unauthorized, .tooManyRequests, .unavailable, .serverError: true
        default: false
        }
    }
}
