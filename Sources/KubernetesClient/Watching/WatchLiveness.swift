import Synchronization

/// Whether an informer's watch still delivers.
///
/// A quiet watch is not different from a dead one. What tells them apart is a sign: a list, an event, a bookmark, or that
/// the server has opened the watch. Whoever must not rest on a dead watch asks for a sign, and where none has come since
/// the last time, the watch is opened anew from its last version: one request, and no list.
final class WatchLiveness: Sendable {
    private struct State {
        /// Whether the informer follows anything at all.
        var isRunning = false
        /// Whether there was a sign since somebody last asked.
        var hasSign = false
        /// Whether somebody waits for a sign that only a new watch can give.
        var isAsked = false
        var askers: [CheckedContinuation<Bool, Never>] = []
        var watch: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    // MARK: The informer's side

    /// The informer begins.
    func begin() {
        state.withLock { $0.isRunning = true }
    }

    /// The informer ends.
    func end() {
        state.withLock { $0.isRunning = false }
        noteFailure()
    }

    /// The server has answered: with a list, an event, a bookmark, or a watch's beginning.
    func noteSign() {
        let askers = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            defer { state.askers = [] }
            state.hasSign = state.askers.isEmpty
            state.isAsked = false
            return state.askers
        }
        for asker in askers { asker.resume(returning: true) }
    }

    /// The list or the watch has failed.
    func noteFailure() {
        for asker in forgetQuestion() { asker.resume(returning: false) }
    }

    /// Returns once somebody asks for a sign, or when the task is cancelled. The open watch waits here.
    func untilAsked() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayGoOn = state.withLock { state -> Bool in
                    // The handler below may have run before the continuation existed.
                    if state.isAsked || Task.isCancelled { return true }
                    state.watch = continuation
                    return false
                }
                if mayGoOn { continuation.resume() }
            }
        } onCancel: {
            takeWatch()?.resume()
        }
    }

    // MARK: The asker's side

    /// Waits for a sign, at most until the task is cancelled.
    ///
    /// - Returns: True at once where there was one since the last call; false at once where no informer runs. Otherwise
    ///   whether the watch could be opened anew.
    func sign() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (answer, watch) = state.withLock { state -> (Bool?, CheckedContinuation<Void, Never>?) in
                    if state.hasSign {
                        state.hasSign = false
                        return (true, nil)
                    }
                    guard state.isRunning, !Task.isCancelled else { return (false, nil) }
                    state.isAsked = true
                    state.askers.append(continuation)
                    defer { state.watch = nil }
                    return (nil, state.watch)
                }
                if let answer { continuation.resume(returning: answer) }
                watch?.resume()
            }
        } onCancel: {
            for asker in forgetQuestion() { asker.resume(returning: false) }
        }
    }

    private func forgetQuestion() -> [CheckedContinuation<Bool, Never>] {
        state.withLock { state in
            defer { state.askers = [] }
            state.hasSign = false
            state.isAsked = false
            return state.askers
        }
    }

    private func takeWatch() -> CheckedContinuation<Void, Never>? {
        state.withLock { state in
            defer { state.watch = nil }
            return state.watch
        }
    }
}
