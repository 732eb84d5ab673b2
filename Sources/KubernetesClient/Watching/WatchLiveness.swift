import Synchronization

/// Checks whether an informer's watch still delivers.
///
/// A watch without events cannot be distinguished from a dead one. Only a new request shows the difference: on request,
/// the watch is reopened from its last version, and the server sends what was missed.
final class WatchLiveness: Sendable {
    private struct State {
        /// Whether the informer runs.
        var isRunning = false
        /// Whether a caller waits for the watch to be reopened.
        var isReopenRequested = false
        /// The uptime of the last sign of the server about the objects.
        var lastActivity: Duration?
        var requesters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var nextID = 0
        var watch: CheckedContinuation<Void, Never>?

        mutating func takeRequesters() -> [CheckedContinuation<Bool, Never>] {
            defer { requesters = [:] }
            isReopenRequested = false
            return Array(requesters.values)
        }

        mutating func takeRequester(_ id: Int) -> CheckedContinuation<Bool, Never>? {
            guard let requester = requesters.removeValue(forKey: id) else { return nil }
            if requesters.isEmpty { isReopenRequested = false }
            return requester
        }

        mutating func takeWatch() -> CheckedContinuation<Void, Never>? {
            defer { watch = nil }
            return watch
        }
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
        completeReopen(false)
    }

    /// The server has answered a request with a list or the beginning of a watch, or has not.
    func completeReopen(_ isAlive: Bool) {
        for requester in state.withLock({ $0.takeRequesters() }) { requester.resume(returning: isAlive) }
    }

    /// The server has sent something that applies to all objects or one of them.
    func recordActivity(at uptime: Duration) {
        state.withLock { $0.lastActivity = uptime }
    }

    /// Whether a caller waits for the watch to be reopened.
    var isReopenRequested: Bool { state.withLock { $0.isReopenRequested } }

    /// How many callers wait for that.
    var requesterCount: Int { state.withLock { $0.requesters.count } }

    /// Returns on a request, or when the task is cancelled. The open watch waits here.
    func untilReopenIsRequested() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayGoOn = state.withLock { state -> Bool in
                    // The handler below may have run before the continuation existed.
                    if state.isReopenRequested || Task.isCancelled { return true }
                    state.watch = continuation
                    return false
                }
                if mayGoOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.takeWatch() }?.resume()
        }
    }

    // MARK: The caller's side

    var lastActivity: Duration? { state.withLock { $0.lastActivity } }

    /// Requests that the watch is reopened.
    ///
    /// - Returns: Whether the server did so; false at once if no informer runs, and when the task is cancelled.
    func requestReopen() async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isReopenRequested, watch) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
                    guard state.isRunning, !Task.isCancelled else { return (false, nil) }
                    state.isReopenRequested = true
                    state.requesters[id] = continuation
                    return (true, state.takeWatch())
                }
                if !isReopenRequested { continuation.resume(returning: false) }
                watch?.resume()
            }
        } onCancel: {
            state.withLock { $0.takeRequester(id) }?.resume(returning: false)
        }
    }
}
