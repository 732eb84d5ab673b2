internal import Basics
internal import HTTPTypes
internal import Hummingbird
internal import PreviewIdentity

/// Authenticates callers, and refuses all others (RFC 6750).
struct AuthenticationMiddleware: RouterMiddleware {
    let authenticator: Authenticator

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let bearer = request.headers.bearer else { throw AccessDenied.unauthenticated }
        var context = context
        let caller = try await authenticator.caller(presenting: bearer)
        context.caller = caller
        return try await Caller.$current.withValue(caller) { try await next(request, context) }
    }
}

extension HTTPFields {
    /// The scheme's name is case-insensitive (RFC 9110, 11.1); this is its lowercase.
    private static let bearerScheme = "bearer "

    /// The bearer token; `nil` without one.
    var bearer: Secret? {
        guard let field = self[.authorization],
            field.prefix(Self.bearerScheme.count).lowercased() == Self.bearerScheme
        else { return nil }
        return Secret(field.dropFirst(Self.bearerScheme.count))
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
