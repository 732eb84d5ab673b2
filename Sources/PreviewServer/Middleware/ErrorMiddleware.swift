internal import HTTPTypes
internal import Hummingbird
internal import PreviewControl

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
