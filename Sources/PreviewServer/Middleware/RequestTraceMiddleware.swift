internal import HTTPTransport
internal import Hummingbird
internal import Router

/// Propagates the trace and the ID of a request to its log messages and to its requests to the cluster and to the core
/// API. The response repeats the ID of a request that had one.
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
