import Synchronization

/// Blocks tasks until it is opened.
package final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [AsyncStream<Void>.Continuation] = []
        var observers: [AsyncStream<Void>.Continuation] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Releases all tasks, now and later.
    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting.removeAll() }
            return state.waiting
        }
        for continuation in waiting { continuation.finish() }
    }

    /// Returns when the latch is open, or the task is cancelled.
    func wait() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let (isOpen, observers) = state.withLock { state in
            if !state.isOpen { state.waiting.append(continuation) }
            defer { state.observers.removeAll() }
            return (state.isOpen, state.observers)
        }
        for observer in observers { observer.finish() }
        guard !isOpen else { return }
        for await _ in stream {}
    }

    /// Returns when a task waits for the latch or the latch is open, or this task is cancelled.
    package func waitForArrival() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let mustWait = state.withLock { state in
            guard !state.isOpen, state.waiting.isEmpty else { return false }
            state.observers.append(continuation)
            return true
        }
        guard mustWait else { return }
        for await _ in stream {}
    }
}
