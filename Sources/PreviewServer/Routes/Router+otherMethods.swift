internal import HTTPTypes
internal import Hummingbird

extension Router where Context == PreviewRequestContext {
    /// Says of every route so far which methods it has: to `OPTIONS` as an answer, to all others as a 405
    /// (RFC 9110, 9.3.7 and 15.5.6).
    func answerOtherMethods() {
        for (path, routes) in Dictionary(grouping: routes, by: \.path.description) {
            let path = RouterPath(path)
            var methods = Set(routes.map(\.method))
            // What answers GET answers HEAD.
            if methods.contains(.get) { methods.insert(.head) }
            let allowed = methods.union([.options]).map(\.rawValue).sorted().joined(separator: ", ")
            on(path, method: .options) { _, _ in Response(status: .noContent, headers: [.allow: allowed]) }
            for method in Self.standardMethods where !methods.contains(method) {
                on(path, method: method) { _, _ -> Response in
                    throw APIError(
                        .methodNotAllowed,
                        "This route does not take \(method.rawValue): expected one of \(allowed).",
                        headers: [.allow: allowed]
                    )
                }
            }
        }
    }

    private static var standardMethods: [HTTPRequest.Method] { [.get, .head, .post, .put, .delete, .patch, .trace] }
}
