internal import HTTPTypes
internal import Hummingbird

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
