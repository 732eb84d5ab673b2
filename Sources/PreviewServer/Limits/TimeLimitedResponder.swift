public import Hummingbird

/// Gives every request of `Base` a time in which it has to be answered.
///
/// After it the handler is cancelled. The answer, which says so, waits for the handler to take back what it had begun.
public struct TimeLimitedResponder<Base: HTTPResponder>: HTTPResponder where Base.Context == PreviewRequestContext {
    let base: Base
    let limit: Duration

    public func respond(to request: Request, context: PreviewRequestContext) async throws -> Response {
        context.timeLimit.extend(by: limit)
        return try await withThrowingTaskGroup(of: Response?.self) { group in
            group.addTask { try await base.respond(to: request, context: context) }
            group.addTask {
                try await context.timeLimit.expire(on: context.channel.eventLoop)
                return nil
            }
            defer { group.cancelAll() }
            while true {
                if let response = try await group.next() ?? nil { return response }
                group.cancelAll()
            }
        }
    }
}
