internal import NIOCore
internal import Synchronization

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
