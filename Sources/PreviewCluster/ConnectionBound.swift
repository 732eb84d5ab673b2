internal import KubernetesModel

/// What an HTTPRoute says so that nothing that was opened through it stays open without end.
///
/// A gateway goes on with what is under way when a route is deleted. Two fields of the route bound how long that can be,
/// and both are taken from the route when a request begins (Docs/Decisions/0042).
struct ConnectionBound: Hashable, Sendable {
    /// Envoy's own limit for a whole exchange, counted from its beginning: it bounds WebSockets and uploads, which
    /// `timeouts` do not. Envoy takes the field out of the request.
    static let streamDurationHeader = "x-envoy-upstream-stream-duration-ms"

    /// Whole milliseconds; at least one, since zero means no limit.
    private let milliseconds: Int64

    /// - Parameter limit: The longest time from a request's beginning to its end.
    init(_ limit: Duration) {
        // To the nearest: the difference of two instants is not exact.
        let (seconds, attoseconds) = (limit + .microseconds(500)).components
        milliseconds = max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    /// Sets Envoy's limit, whatever the client says of it.
    var field: HTTPRoute.Header { HTTPRoute.Header(name: Self.streamDurationHeader, value: String(milliseconds)) }

    /// The limit of the Gateway API, for any gateway: from the request's end to the end of its answer.
    var timeouts: HTTPRoute.Timeouts { HTTPRoute.Timeouts(request: text) }

    /// A Gateway API duration: whole numbers of at most five digits with units (GEP-2257).
    private var text: String {
        let parts = [
            (milliseconds / 3_600_000, "h"), (milliseconds / 60_000 % 60, "m"), (milliseconds / 1000 % 60, "s"),
            (milliseconds % 1000, "ms"),
        ]
        return parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
    }
}
