public import Hummingbird
internal import PreviewControl

/// Gives every request of `Base` a time in which it has to be answered.
///
/// After it the handler is cancelled. The answer, which says so, waits for the handler to take back what it had begun.
public struct TimeLimitedResponder<Base: HTTPResponder>: HTTPResponder where Base.Context == PreviewRequestContext {
    let base: Base
    let limit: Duration
    let time: MonotonicTime
    private let deadlines = RequestDeadlines()

    /// - Parameter time: Measures what the cluster and the core API may take of it.
    init(base: Base, limit: Duration, time: MonotonicTime = MonotonicTime(ContinuousClock())) {
        self.base = base
        self.limit = limit
        self.time = time
    }

    public func respond(to request: Request, context: PreviewRequestContext) async throws -> Response {
        let end = context.timeLimit.begin(limit)
        let handler = start {
            try await AnswerDeadline.begin(time) { try await base.respond(to: request, context: context) }
        }
        deadlines.add(context.timeLimit, until: end, on: context.channel.eventLoop) { handler.cancel() }
        defer { deadlines.remove(context.timeLimit) }
        return try await withTaskCancellationHandler {
            try await handler.value
        } onCancel: {
            handler.cancel()
        }
    }

    /// Starts a handler in a task of its own, so that it can be cancelled while the one that writes the answer goes on. A
    /// task group would have to hold another task that waits for the time.
    ///
    /// It begins on this thread: most handlers of short requests are done before they would have to change it.
    private func start(_ handle: @Sendable @escaping () async throws -> Response) -> Task<Response, any Error> {
        if #available(macOS 26, *) {
            Task.immediate { try await handle() }
        } else {
            Task { try await handle() }
        }
    }
}
