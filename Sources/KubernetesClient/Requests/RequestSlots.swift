import Synchronization

/// Lets a limited number of tasks do something at the same time; the others wait in the order of their arrival.
///
/// A waiting task that is cancelled leaves the queue at once, and a slot handed to it meanwhile is passed on.
final class RequestSlots: Sendable {
    private struct State {
        var free: Int
        var nextID = 0
        /// The waiting tasks. Identifiers only grow, so the smallest key has waited longest.
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        var order: [Int] = []
        var firstInOrder = 0
    }

    private let state: Mutex<State>
    private let maxWaiting: Int

    /// Makes slots.
    ///
    /// - Parameters:
    ///   - count: How many tasks may go on at the same time.
    ///   - maxWaiting: How many more may wait.
    init(count: Int, maxWaiting: Int) {
        state = Mutex(State(free: count))
        self.maxWaiting = maxWaiting
    }

    /// How many tasks are waiting.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `body` in a slot.
    ///
    /// - Throws: What `body` throws; `CancellationError` if the task is cancelled while it waits; ``KubernetesError``
    ///   of kind ``KubernetesError/Kind/tooManyRequests`` if too many are waiting already.
    func withSlot<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        try await acquire()
        defer { release() }
        return try await body()
    }

    private func acquire() async throws {
        try Task.checkCancellation()
        enum Entry {
            case entered
            case mustWait(Int)
            case full
        }
        let entry: Entry = state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return .entered
            }
            guard state.waiting.count < maxWaiting else { return .full }
            state.nextID += 1
            return .mustWait(state.nextID)
        }
        switch entry {
        case .entered:
            return
        case .full:
            throw KubernetesError(.tooManyRequests, "\(maxWaiting) requests are waiting in this client already")
        case .mustWait(let id):
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { wait(id, $0) }
            } onCancel: {
                state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
            }
        }
    }

    private func wait(_ id: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        let entered: Bool? = state.withLock { state in
            // The handler above may have run before the continuation existed.
            if Task.isCancelled { return nil }
            if state.free > 0 {
                state.free -= 1
                return true
            }
            state.waiting[id] = continuation
            state.order.append(id)
            return false
        }
        switch entered {
        case true?: continuation.resume()
        case false?: break
        case nil: continuation.resume(throwing: CancellationError())
        }
    }

    private func release() {
        let next: CheckedContinuation<Void, any Error>? = state.withLock { state in
            while state.firstInOrder < state.order.count {
                let id = state.order[state.firstInOrder]
                state.firstInOrder += 1
                if let continuation = state.waiting.removeValue(forKey: id) { return continuation }
            }
            state.order.removeAll(keepingCapacity: true)
            state.firstInOrder = 0
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
