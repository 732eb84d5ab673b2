import Synchronization

/// Lets a limited number of tasks do something at the same time; the others wait in the order of their arrival.
///
/// A waiting task that is cancelled leaves the queue at once, and a slot handed to it meanwhile is passed on.
final class RequestSlots: Sendable {
    private struct State {
        var free: Int
        var nextID = 0
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        /// The identifiers in the order of arrival, from ``firstInOrder`` on. Those of cancelled tasks stay until
        /// their turn.
        var order: [Int] = []
        var firstInOrder = 0

        mutating func next() -> CheckedContinuation<Void, any Error>? {
            defer {
                // Cuts off what is done, in steps that cost little on average.
                if firstInOrder * 2 >= order.count {
                    order.removeFirst(firstInOrder)
                    firstInOrder = 0
                }
            }
            while firstInOrder < order.count {
                let id = order[firstInOrder]
                firstInOrder += 1
                if let continuation = waiting.removeValue(forKey: id) { return continuation }
            }
            return nil
        }
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

    /// Runs `body` in a slot if one is free at once.
    ///
    /// - Returns: What `body` returned, or `nil` if it did not run.
    func withFreeSlot<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result? {
        let entered = state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
        guard entered else { return nil }
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
            let next = state.next()
            if next == nil { state.free += 1 }
            return next
        }
        next?.resume()
    }
}
