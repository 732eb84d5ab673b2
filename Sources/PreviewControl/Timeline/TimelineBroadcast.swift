public import PreviewDomain
internal import Synchronization

/// Hands events of the timeline to whoever follows a run on this replica, at once and beside the log.
public final class TimelineBroadcast: Timeline {
    private struct State {
        var followers: [RunID: [Int: @Sendable (TimelineEvent) -> Void]] = [:]
        var next = 0
    }

    private let log: any Timeline
    private let state = Mutex(State())

    /// - Parameter log: Gets every event, too.
    public init(to log: any Timeline) {
        self.log = log
    }

    public func record(_ event: TimelineEvent) {
        log.record(event)
        guard let followers = state.withLock({ $0.followers[event.run] }) else { return }
        for follower in followers.values { follower(event) }
    }

    /// Tells of the events of a run that this replica comes to know of from now on.
    ///
    /// - Parameter take: Gets each event, from whichever task records it, and must not wait.
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

/// Something that is told until it is cancelled. Without a task of its own, it costs little while nothing happens.
public struct Observation: Sendable {
    private let onCancel: @Sendable () -> Void

    init(_ onCancel: @escaping @Sendable () -> Void) {
        self.onCancel = onCancel
    }

    /// Ends it. What was under way at this moment may still be told.
    public func cancel() { onCancel() }
}
