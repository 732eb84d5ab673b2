internal import HTTPTypes
internal import Hummingbird

/// Lets the pages of the allowed origins read answers, and no others (Fetch Standard, "HTTP CORS protocol").
///
/// Callers authenticate by a header that their page adds, never by a cookie, so credentials in the sense of CORS are
/// not allowed.
struct CORSMiddleware: RouterMiddleware {
    let allowed: AllowedOrigins

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        let origin = request.headers[.origin].flatMap { allowed.allows($0) ? $0 : nil }
        var response: Response
        if request.method == .options, request.headers.contains(.accessControlRequestMethod) {
            response = Response(status: .noContent)
            if origin != nil { response.headers = Self.preflightHeaders }
        } else {
            response = try await next(request, context)
            if context.passedOn.isSet { return response }
        }
        if let origin {
            response.headers[.accessControlAllowOrigin] = origin
            response.headers[.accessControlExposeHeaders] = Self.exposedHeaders
        }
        response.headers[values: .vary].append("Origin")
        return response
    }

    private static let preflightHeaders: HTTPFields = [
        .accessControlAllowMethods: "GET, POST, DELETE",
        .accessControlAllowHeaders: [
            "Accept", "Authorization", "Content-Type", "Last-Event-ID", "Prefer", "MCP-Protocol-Version", "Mcp-Method",
            "Mcp-Name",
        ].joined(separator: ", "),
        // A browser asks again after at most this many seconds.
        .accessControlMaxAge: "600",
    ]
    private static let exposedHeaders = "Location, Retry-After, Server-Timing, WWW-Authenticate"
}
