internal import HTTPTransport
internal import Hummingbird
internal import Router

/// Has everything that a request brings about carry its trace and its id: log lines, and requests to the cluster and to the
/// core API. The answer repeats an id that the request had.
struct RequestTraceMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        let id = RequestID(of: request.headers)
        return try await RequestTrace.$current.withValue(RequestTrace(of: request.headers, requestID: id.description)) {
            var response = try await next(request, context)
            if !id.isNew { response.headers[.xRequestID] = id.description }
            return response
        }
    }
}
