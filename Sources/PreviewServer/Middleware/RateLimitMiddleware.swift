internal import Hummingbird
internal import PreviewDomain
internal import PreviewIdentity

/// Turns away callers that send more than their share, by the run in the request's path. It stands behind
/// authentication: who is nobody has no share.
struct RateLimitMiddleware: RouterMiddleware {
    let rates: CallerRates

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        let run = context.parameters.get("runId").flatMap { try? RunID($0) }
        try rates.take(for: try context.authenticatedCaller, run: run)
        return try await next(request, context)
    }
}
