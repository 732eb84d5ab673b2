internal import HTTPTypes
internal import Hummingbird

/// Tells browsers to make nothing of an answer but what the page that asked for it does (OWASP, REST security).
struct SecurityHeaders: RouterMiddleware {
    /// What every answer carries, unless its handler says otherwise.
    static let fields: HTTPFields = [
        // An answer may hold a token, which no cache is to keep.
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
        if context.passedOn.isSet { return response }
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
