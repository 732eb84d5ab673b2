internal import HTTPTypes
internal import Hummingbird
internal import PreviewDomain
internal import PreviewIdentity

/// Reads the run from a request's path, and refuses callers who may not do this with it.
struct RunGuard: Sendable {
    let access: RunAccess

    /// - Throws: 400 for an invalid run ID, otherwise the error of ``RunAccess``.
    func run(_ context: PreviewRequestContext, for action: RunAction) async throws -> RunID {
        let run: RunID
        do {
            run = try RunID(try context.parameters.require("runId"))
        } catch let error as InvalidRunID {
            throw APIError(.badRequest, error.message)
        }
        try await access.authorize(try context.authenticatedCaller, to: action, on: run)
        return run
    }

    /// Whether the caller may also do this with the run.
    func allows(_ action: RunAction, on run: RunID, _ context: PreviewRequestContext) async throws -> Bool {
        do {
            try await access.authorize(try context.authenticatedCaller, to: action, on: run)
            return true
        } catch let denied as AccessDenied where denied.kind == .forbidden || denied.kind == .runNotFound {
            return false
        }
    }
}

extension Router where Context == PreviewRequestContext {
    /// Declares the methods of every route so far: as the response to `OPTIONS`, and as a 405 to all others (RFC 9110,
    /// 9.3.7 and 15.5.6).
    func answerOtherMethods() {
        for (path, routes) in Dictionary(grouping: routes, by: \.path.description) {
            let path = RouterPath(path)
            var methods = Set(routes.map(\.method))
            // A route for GET also answers HEAD.
            if methods.contains(.get) { methods.insert(.head) }
            let allowed = methods.union([.options]).map(\.rawValue).sorted().joined(separator: ", ")
            on(path, method: .options) { _, _ in Response(status: .noContent, headers: [.allow: allowed]) }
            for method in Self.standardMethods where !methods.contains(method) {
                on(path, method: method) { _, _ -> Response in
                    throw APIError(
                        .methodNotAllowed,
                        "This route does not allow \(method.rawValue): expected one of \(allowed).",
                        headers: [.allow: allowed]
                    )
                }
            }
        }
    }

    private static var standardMethods: [HTTPRequest.Method] {
        [.get, .head, .post, .put, .delete, .patch, .trace] + [HTTPRequest.Method("QUERY")].compactMap(\.self)
    }
}
