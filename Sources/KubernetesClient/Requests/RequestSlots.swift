import Synchronization

/// Lets a limited number of tasks run at the same time; the others wait in the order of their arrival.
///
/// A waiting task that is cancelled leaves the queue at once, and a slot that it was given is passed on.
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
                // Removes what is done, in steps that cost little on average.
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

    /// Creates slots.
    ///
    /// - Parameters:
    ///   - count: How many tasks may run at the same time.
    ///   - maxWaiting: How many more may wait.
    init(count: Int, maxWaiting: Int) {
        state = Mutex(State(free: count))
        self.maxWaiting = maxWaiting
    }

    /// The number of waiting tasks.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `body` in a slot.
    ///
    /// - Throws: The errors of `body`; `CancellationError` if the task is cancelled while it waits; ``KubernetesError``
    ///   of kind ``KubernetesError/Kind/tooManyRequests`` if too many tasks are waiting.
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
            throw KubernetesError(.tooManyRequests, "\(maxWaiting) requests are already waiting in this client")
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

/// The time limits and the size limits of requests.
public struct RequestLimits: Hashable, Sendable {
    /// The time limit for one attempt, from its start to the end of the response.
    public var attemptTimeout: Duration
    /// The time limit for a request with all its attempts and the pauses between them. Each page of a list counts
    /// separately.
    public var totalBudget: Duration
    /// The number of objects in a page of a list.
    public var pageSize: Int

    public init(
        attemptTimeout: Duration = .seconds(10),
        totalBudget: Duration = .seconds(30),
        pageSize: Int = 500
    ) {
        self.attemptTimeout = attemptTimeout
        self.totalBudget = totalBudget
        self.pageSize = pageSize
    }

    /// The same limits for a caller that waits for `time`.
    func bounded(by time: Duration?) -> RequestLimits {
        guard let time, time < totalBudget else { return self }
        var limits = self
        limits.totalBudget = time
        return limits
    }

    /// The number of concurrent requests. Watches do not count. Servers with priority and fairness answered none of
    /// 1,000 deletes with 429 at a concurrency of 64, and most of 2,000 at 500.
    public static let maxConcurrentRequests = 32
    /// The number of further requests that may wait; others fail at once.
    public static let maxWaitingRequests = 4096
    /// The longest accepted response.
    public static let maxBodyBytes = 128 * 1024 * 1024
    /// The longest response to a failed request that is read.
    public static let maxErrorBodyBytes = 1024 * 1024
    /// The longest accepted frame of a watch. The server's own limit for an object is 3 MiB.
    public static let maxFrameBytes = 8 * 1024 * 1024
    /// The longest list accepted.
    public static let maxListedObjects = 200_000
    /// The longest silence of a watch before it is reopened. A server that sends bookmarks does so about once a minute,
    /// so a working watch costs nothing; a server without bookmarks gets a new watch at this interval.
    public static let maxWatchSilence: Duration = .seconds(90)
    /// How long after its agreed end a watch may be silent, if that is earlier.
    public static let watchGrace: Duration = .seconds(10)
}
