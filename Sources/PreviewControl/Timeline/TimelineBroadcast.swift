public import PreviewDomain
internal import Synchronization

/// Delivers events of the timeline to observers on this replica, at once and independently of the log.
public final class TimelineBroadcast: Timeline {
    private struct State {
        var followers: [RunID: [Int: @Sendable (TimelineEvent) -> Void]] = [:]
        var next = 0
    }

    private let log: any Timeline
    private let state = Mutex(State())

    /// - Parameter log: Also gets every event.
    public init(to log: any Timeline) {
        self.log = log
    }

    public func record(_ event: TimelineEvent) {
        log.record(event)
        guard let followers = state.withLock({ $0.followers[event.run] }) else { return }
        for follower in followers.values { follower(event) }
    }

    /// Delivers the events of a run that this replica records from now on.
    ///
    /// - Parameter take: Gets each event, from the task that records it, and must not block.
    public func observe(_ run: RunID, _ take: @escaping @Sendable (TimelineEvent) -> Void) -> Observation {
        let id = state.withLock { state in
            state.next += 1
            state.followers[run, default: [:]][state.next] = take
            return state.next
        }
        return Observation { [weak self] in self?.forget(id, of: run) }
    }

    private func forget(_ id: Int, of run: RunID) {
        state.withLock { state in
            state.followers[run]?[id] = nil
            if state.followers[run]?.isEmpty == true { state.followers[run] = nil }
        }
    }
}

/// A subscription that lasts until it is cancelled. It has no task, so it costs little while nothing happens.
public struct Observation: Sendable {
    private let onCancel: @Sendable () -> Void

    init(_ onCancel: @escaping @Sendable () -> Void) {
        self.onCancel = onCancel
    }

    /// Ends it. A delivery that is in progress may still be completed.
    public func cancel() { onCancel() }
}
