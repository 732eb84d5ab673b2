public import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import Synchronization

/// Cancels requests at their deadlines.
///
/// All requests share one timer, set for the earliest known deadline. That may belong to a request that was answered
/// long ago, as nearly all are; then checking again is cheap, whereas a timer for every request would be set and
/// cancelled on its event loop in vain.
final class RequestDeadlines: Sendable {
    private struct Entry {
        let limit: RequestTimeLimit
        let cancel: @Sendable () -> Void
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        /// When the timer fires; `nil` while it is not set.
        var timer: NIODeadline?

        /// - Returns: Whether a timer has to be set for `deadline`.
        mutating func needsTimer(at deadline: NIODeadline) -> Bool {
            if let timer, timer <= deadline { return false }
            timer = deadline
            return true
        }
    }

    private let state = Mutex(State())

    /// Observes a request until ``remove(_:)``.
    ///
    /// - Parameters:
    ///   - limit: Its time, which may be extended.
    ///   - end: The present deadline.
    ///   - eventLoop: The event loop for the timer.
    ///   - cancel: Called at the deadline.
    func add(
        _ limit: RequestTimeLimit,
        until end: NIODeadline,
        on eventLoop: any EventLoop,
        cancel: @Sendable @escaping () -> Void
    ) {
        let setsTimer = state.withLock { state in
            state.entries[ObjectIdentifier(limit)] = Entry(limit: limit, cancel: cancel)
            return state.needsTimer(at: end)
        }
        if setsTimer { setTimer(at: end, on: eventLoop) }
    }

    func remove(_ limit: RequestTimeLimit) {
        state.withLock { state in _ = state.entries.removeValue(forKey: ObjectIdentifier(limit)) }
    }

    private func setTimer(at deadline: NIODeadline, on eventLoop: any EventLoop) {
        _ = eventLoop.scheduleTask(deadline: deadline) { [weak self] in self?.timerFired(on: eventLoop) }
    }

    private func timerFired(on eventLoop: any EventLoop) {
        let now = NIODeadline.now()
        let (overdue, next) = state.withLock { state -> ([Entry], NIODeadline?) in
            // A later timer may be set too; that does no harm.
            state.timer = nil
            var overdue: [Entry] = []
            var earliest: NIODeadline?
            for (key, entry) in state.entries {
                guard let end = entry.limit.end(after: now) else {
                    overdue.append(entry)
                    state.entries[key] = nil
                    continue
                }
                earliest = min(earliest ?? end, end)
            }
            return (overdue, earliest.flatMap { state.needsTimer(at: $0) ? $0 : nil })
        }
        for entry in overdue { entry.cancel() }
        if let next { setTimer(at: next, on: eventLoop) }
    }
}

/// The time limit of one request.
final class RequestTimeLimit: Sendable {
    private struct State {
        /// `nil` until the time has started.
        var end: NIODeadline?
        var isOver = false
    }

    private let state = Mutex(State())

    /// True once the request exceeded its time.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Starts the time.
    ///
    /// - Returns: The deadline, unless it is extended.
    func begin(_ duration: Duration) -> NIODeadline {
        let end = NIODeadline.now() + TimeAmount(duration)
        state.withLock { $0.end = end }
        return end
    }

    /// Extends the time.
    func extend(by duration: Duration) {
        state.withLock { state in
            if let end = state.end { state.end = end + TimeAmount(duration) }
        }
    }

    /// Checks whether the time is over.
    ///
    /// - Returns: The deadline, or `nil` if it has passed.
    func end(after now: NIODeadline) -> NIODeadline? {
        state.withLock { state in
            guard let end = state.end, end <= now else { return state.end }
            state.isOver = true
            return nil
        }
    }
}

/// Gives every request of `Base` a time limit.
///
/// After it the handler is cancelled. The response, which says so, waits until the handler has deleted what it had
/// created.
public struct TimeLimitedResponder<Base: HTTPResponder>: HTTPResponder where Base.Context == PreviewRequestContext {
    let base: Base
    let limit: Duration
    let time: MonotonicTime
    private let deadlines = RequestDeadlines()

    /// - Parameter time: Measures the time for the cluster and the core API.
    init(base: Base, limit: Duration, time: MonotonicTime = MonotonicTime(ContinuousClock())) {
        self.base = base
        self.limit = limit
        self.time = time
    }

    public func respond(to request: Request, context: PreviewRequestContext) async throws -> Response {
        let end = context.timeLimit.begin(limit)
        let handler = start {
            try await ResponseDeadline.begin(time) { try await base.respond(to: request, context: context) }
        }
        deadlines.add(context.timeLimit, until: end, on: context.channel.eventLoop) { handler.cancel() }
        defer { deadlines.remove(context.timeLimit) }
        return try await withTaskCancellationHandler {
            try await handler.value
        } onCancel: {
            handler.cancel()
        }
    }

    /// Starts a handler in a separate task, so that it can be cancelled while the one that writes the response
    /// continues. A task group would need another task that waits for the time.
    ///
    /// It begins on the present thread: most handlers of short requests end before they would have to leave it.
    private func start(_ handle: @Sendable @escaping () async throws -> Response) -> Task<Response, any Error> {
        if #available(macOS 26, *) {
            Task.immediate { try await handle() }
        } else {
            Task { try await handle() }
        }
    }
}
