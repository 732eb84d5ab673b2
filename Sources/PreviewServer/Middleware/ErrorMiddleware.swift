internal import HTTPTypes
internal import Hummingbird
internal import Logging

/// Turns every error into the contract's body, `{"error": "<a sentence>"}`.
struct ErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return try APIError(error, context: context).response(from: request, context: context)
        }
    }
}

/// Prevents browsers from using a response for anything other than the page's own request (OWASP, REST security).
struct SecurityHeaders: RouterMiddleware {
    /// The header fields of every response, unless its handler sets them.
    static let fields: HTTPFields = [
        // A response may contain a token, so caches must not store it.
        .cacheControl: "no-store",
        .contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
        .crossOriginResourcePolicy: "same-origin",
        .referrerPolicy: "no-referrer",
        .xContentTypeOptions: "nosniff",
    ]

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        if context.forwarding.hasResponse { return response }
        for field in Self.fields where !response.headers.contains(field.name) {
            response.headers.append(field)
        }
        return response
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    static let referrerPolicy = Self("Referrer-Policy")!
}

/// Logs every request by its route, never by its path: a path may contain a token.
struct RequestLogMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        context.logger.debug(
            "request",
            metadata: [
                "method": "\(request.method)", "route": "\(context.endpointPath ?? "none")",
                "status": "\(response.status.code)",
            ]
        )
        return response
    }
}
