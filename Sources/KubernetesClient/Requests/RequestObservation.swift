/// What became of one attempt of a request, for metrics.
public struct RequestObservation: Hashable, Sendable {
    /// What was asked.
    public let verb: RequestVerb
    /// The resource's plural, or a fixed word for requests that are about none.
    public let resource: String
    /// The HTTP status code, if there was an answer.
    public let statusCode: Int?
    /// `ok`, the label of the error's kind, or `cancelled` when the caller gave up before there was an answer.
    public let outcome: String
    /// The time from sending the request to the end of its answer; for a watch, to the answer's head.
    public let duration: Duration
}

/// What a request asks for.
public enum RequestVerb: String, Hashable, Sendable, CaseIterable {
    case get, list, create, patch, delete, watch
    /// Discovery, and questions for the time.
    case probe

    /// Whether the request changes nothing.
    var isRead: Bool {
        switch self {
        case .get, .list, .watch, .probe: true
        case .create, .patch, .delete: false
        }
    }
}

/// Gets told about every attempt of every request. Called on the requesting task; it must not block.
public typealias RequestObserver = @Sendable (RequestObservation) -> Void

/// Gets told about every request that failed for good, its retries included. Called on the requesting task; it must not
/// block. Cancelled requests are none.
public typealias FailureObserver = @Sendable (KubernetesError) -> Void
