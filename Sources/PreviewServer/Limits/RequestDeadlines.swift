public import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import Synchronization

/// Cancels requests whose time is over.
///
/// All share one timer, set for the earliest end that is known. It may belong to a request that was answered long ago, as
/// nearly all are; then looking again is cheap, where a timer for every request would be set and cancelled on its event
/// loop for nothing.
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

    /// Watches a request until ``remove(_:)``.
    ///
    /// - Parameters:
    ///   - limit: Its time, which may be extended.
    ///   - end: When that is over as of now.
    ///   - eventLoop: Where the timer may run.
    ///   - cancel: Called when the time is over.
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
            // A later timer may be set too; what it finds is right in any case.
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

/// How long one request may take.
final class RequestTimeLimit: Sendable {
    private struct State {
        /// `nil` until the time has begun to run.
        var end: NIODeadline?
        var isOver = false
    }

    private let state = Mutex(State())

    /// True once the request took longer than it may.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Lets the time run from now on.
    ///
    /// - Returns: When it is over, unless it is extended.
    func begin(_ duration: Duration) -> NIODeadline {
        let end = NIODeadline.now() + TimeAmount(duration)
        state.withLock { $0.end = end }
        return end
    }

    /// Adds to the time.
    func extend(by duration: Duration) {
        state.withLock { state in
            if let end = state.end { state.end = end + TimeAmount(duration) }
        }
    }

    /// Looks whether the time is over.
    ///
    /// - Returns: When it will be, or `nil` when it is.
    func end(after now: NIODeadline) -> NIODeadline? {
        state.withLock { state in
            guard let end = state.end, end <= now else { return state.end }
            state.isOver = true
            return nil
        }
    }
}

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
