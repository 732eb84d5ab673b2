internal import Basics
internal import HTTPTypes
internal import Hummingbird
internal import PreviewIdentity

/// Authenticates callers, and refuses all others (RFC 6750).
struct AuthenticationMiddleware: RouterMiddleware {
    let authenticator: Authenticator

    /// The scheme's name is case-insensitive (RFC 9110, 11.1); this is its lowercase.
    private static let scheme = "bearer "

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let header = request.headers[.authorization],
            header.prefix(Self.scheme.count).lowercased() == Self.scheme
        else { throw AccessDenied.unauthenticated }
        let bearer = Secret(header.dropFirst(Self.scheme.count))
        var context = context
        let caller = try await authenticator.caller(presenting: bearer)
        context.caller = caller
        return try await Caller.$current.withValue(caller) { try await next(request, context) }
    }
}

extension PreviewRequestContext {
    var authenticatedCaller: Caller {
        get throws {
            guard let caller else { throw AccessDenied.unauthenticated }
            return caller
        }
    }
}
