internal import HTTPTypes
internal import Hummingbird

/// Turns away requests from web pages of unknown origin, so that no page can reach the service through the browser of
/// somebody who can (DNS rebinding). MCP demands it ("Security & Endpoint").
struct OriginMiddleware: RouterMiddleware {
    let allowed: AllowedOrigins

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        guard request.headers[values: .origin].allSatisfy(allowed.allows) else {
            throw APIError(
                .forbidden,
                "Pages of this origin may not call this service. An operator can allow it with Server__AllowedOrigins."
            )
        }
        return try await next(request, context)
    }
}
