internal import NIOCore
internal import Synchronization

/// How long one request may take.
final class RequestTimeLimit: Sendable {
    private struct State {
        var total = Duration.zero
        var isOver = false
    }

    private let state = Mutex(State())

    /// True once the request took longer than it may.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Adds to the time.
    func extend(by duration: Duration) {
        state.withLock { $0.total += duration }
    }

    /// Returns when the time is over, also counting what is added meanwhile.
    ///
    /// - Throws: When the task is cancelled.
    func expire(on eventLoop: any EventLoop) async throws {
        var elapsed = Duration.zero
        while let rest = rest(after: elapsed) {
            // Not a sleep: the runtime keeps the timer of a cancelled one until it is due.
            let timer = eventLoop.scheduleTask(in: TimeAmount(rest)) {}
            try await withTaskCancellationHandler {
                try await timer.futureResult.get()
            } onCancel: {
                timer.cancel()
            }
            elapsed += rest
        }
    }

    private func rest(after elapsed: Duration) -> Duration? {
        state.withLock { state in
            state.isOver = state.total <= elapsed
            return state.isOver ? nil : state.total - elapsed
        }
    }
}
