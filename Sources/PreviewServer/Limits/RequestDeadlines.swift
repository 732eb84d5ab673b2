internal import NIOCore
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
