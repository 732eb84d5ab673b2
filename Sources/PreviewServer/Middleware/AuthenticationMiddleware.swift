internal import HTTPTypes
internal import Hummingbird
internal import PreviewIdentity

/// Lets only known callers through, and says who they are (RFC 6750).
struct AuthenticationMiddleware: RouterMiddleware {
    let authenticator: Authenticator

    private static let scheme = "Bearer "

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let header = request.headers[.authorization],
            header.prefix(Self.scheme.count).lowercased() == Self.scheme.lowercased(),
            let caller = authenticator.caller(presenting: header.dropFirst(Self.scheme.count))
        else {
            throw APIError(
                .unauthorized,
                "This needs credentials: send the header 'Authorization: Bearer …' with the service key.",
                headers: [.wwwAuthenticate: "Bearer"]
            )
        }
        var context = context
        context.caller = caller
        return try await next(request, context)
    }
}

extension PreviewRequestContext {
    var authenticatedCaller: Caller {
        get throws {
            guard let caller else { throw APIError(.unauthorized, "This needs credentials.") }
            return caller
        }
    }
}
