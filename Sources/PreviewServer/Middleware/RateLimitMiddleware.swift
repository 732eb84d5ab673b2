internal import Hummingbird
internal import PreviewIdentity

/// Turns away callers that send more than their share. It stands behind authentication: who is nobody has no share.
struct RateLimitMiddleware: RouterMiddleware {
    let limiter: RateLimiter

    /// The platform's own key is one for all agents. Each run has a share of its own, so that an agent that has gone
    /// wild is alone with it.
    private struct Share: Hashable {
        let identity: String
        let run: String?
    }

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        let caller = try context.authenticatedCaller
        let run = caller.role == .service ? context.parameters.get("runId") : nil
        if let wait = limiter.take(for: Share(identity: caller.identity, run: run)) {
            throw APIError(
                .tooManyRequests,
                "You send requests faster than this service takes them. Wait, and send fewer.",
                retryAfter: wait
            )
        }
        return try await next(request, context)
    }
}
