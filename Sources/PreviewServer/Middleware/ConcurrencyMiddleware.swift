internal import Hummingbird
internal import PreviewIdentity

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
