public import PreviewDomain
internal import Synchronization

/// Hands events of the timeline to whoever follows a run on this replica, at once and beside the log.
public final class TimelineBroadcast: Timeline {
    /// The most events that wait for one follower; older ones are dropped.
    private static let maxWaiting = 32

    private struct State {
        var followers: [RunID: [Int: AsyncStream<TimelineEvent>.Continuation]] = [:]
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
        for follower in followers.values { follower.yield(event) }
    }

    /// The events of a run that this replica comes to know of from now on.
    public func events(of run: RunID) -> AsyncStream<TimelineEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: TimelineEvent.self,
            bufferingPolicy: .bufferingNewest(Self.maxWaiting)
        )
        let id = state.withLock { state in
            state.next += 1
            state.followers[run, default: [:]][state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in self?.forget(id, of: run) }
        return stream
    }

    private func forget(_ id: Int, of run: RunID) {
        state.withLock { state in
            state.followers[run]?[id] = nil
            if state.followers[run]?.isEmpty == true { state.followers[run] = nil }
        }
    }
}
