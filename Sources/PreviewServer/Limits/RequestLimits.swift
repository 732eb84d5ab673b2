internal import HTTPTypes
internal import Hummingbird
internal import PreviewIdentity

/// What requests may cost the service once they have arrived.
public struct RequestLimits: Hashable, Sendable {
    /// The most requests that are worked on at once; one more is answered with 503.
    public var maxInProgress = 1_024
    /// The time until a request is answered. What waits for somebody, as an agent's start waits for its approval, adds
    /// its own time to it.
    public var answerTimeout = Duration.seconds(30)
    /// The most calls that wait at once for one run, and on this replica.
    public var maxWaitingPerRun = 16
    public var maxWaiting = 512
    /// The most event streams that are open at once for one run, and on this replica. They are counted on their own,
    /// since each is a watch at the API server, and so that readers take no places from those who wait for a decision.
    public var maxStreamsPerRun = 8
    public var maxStreams = 128
    /// How many requests each caller may send in a second, in the long run and with a burst.
    public var requestsPerSecond = 20.0
    public var burst = 100
    /// The most callers whose rate is remembered; beyond, those who have been quiet longest are forgotten.
    public var maxCallers = 10_000

    public init() {}

    /// The same with the limits of event streams in place of those of waiting calls.
    var forStreams: RequestLimits {
        var limits = self
        limits.maxWaitingPerRun = maxStreamsPerRun
        limits.maxWaiting = maxStreams
        return limits
    }
}

/// Answers a request whose body is declared to be too long before any of it is read.
///
/// A body of undeclared length is measured by whoever reads it; its connection discards the rest.
struct BodyLimitMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > context.maxUploadSize {
            throw HTTPError(.contentTooLarge)
        }
        return try await next(request, context)
    }
}

/// Sheds requests beyond what a replica can work on, before they cost anything. Health is not among them.
struct ConcurrencyMiddleware: RouterMiddleware {
    let requests: ConcurrencyLimit

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        guard requests.enter() else {
            throw APIError(
                .serviceUnavailable,
                "This replica works on as many requests as it can. Try again shortly.",
                retryAfter: .seconds(1)
            )
        }
        defer { requests.leave() }
        return try await next(request, context)
    }
}
