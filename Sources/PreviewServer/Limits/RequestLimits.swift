internal import Basics
internal import HTTPTypes
internal import Hummingbird

/// The limits for requests after they have arrived.
public struct RequestLimits: Hashable, Sendable {
    /// The largest number of concurrent requests; a further one gets 503.
    public var maxInProgress = 1_024
    /// The time limit of a request. A request that waits, as an agent's start waits for its approval, adds its own
    /// time.
    public var responseTimeout = Duration.seconds(30)
    /// The largest number of waiting calls for one run, and on this replica.
    public var maxWaitingPerRun = 16
    public var maxWaiting = 512
    /// The largest number of open event streams for one run, and on this replica. They are counted separately, since
    /// each is a watch at the API server, and so that readers do not use the slots of waiting calls.
    public var maxStreamsPerRun = 8
    public var maxStreams = 128
    /// The rate of each caller's requests, sustained and as a burst.
    public var requestsPerSecond = 20.0
    public var burst = 100
    /// The rate and the burst of all requests of the service key, as a multiple of those of one caller, which each of
    /// its runs has.
    public var serviceRateFactor = 20
    /// The largest number of callers whose rate is remembered; beyond it, those without requests for the longest time
    /// are forgotten.
    public var maxCallers = 10_000

    public init() {}

    /// The same with the limits of event streams instead of those of waiting calls.
    var forStreams: RequestLimits {
        var limits = self
        limits.maxWaitingPerRun = maxStreamsPerRun
        limits.maxWaiting = maxStreams
        return limits
    }
}

/// Refuses a request whose declared body is too long before any of it is read.
///
/// The reader of a body measures one of undeclared length; its connection discards the rest.
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

/// Refuses requests beyond the limit of a replica early. Health checks are exempt.
struct ConcurrencyMiddleware: RouterMiddleware {
    let requests: ConcurrencyLimit

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        guard requests.acquire() else {
            throw APIError(
                .serviceUnavailable,
                "This replica handles its maximum number of requests. Try again shortly.",
                retryAfter: .seconds(1)
            )
        }
        defer { requests.release() }
        return try await next(request, context)
    }
}
