internal import Synchronization

/// Work that must continue when its caller is cancelled, and its executor: the rest of a start whose grant is used, the
/// deletion of the objects of a failed start, and the write that ends a trial of another protocol or host.
///
/// Such work runs in a separate task that is bounded by its ``ResponseDeadline``, or by a time after the cancellation. An
/// unstructured task does not inherit its creator's executor preference (SE-0417), so a deterministic simulation, which
/// needs all work of a replica on one executor, sets it here.
package enum UncancelledWork {
    /// The preferred executor of that work; nil for the global one.
    @TaskLocal package static var executor: (any TaskExecutor)?

    /// Runs `work` with a deadline of its own, whether or not the caller is cancelled.
    ///
    /// - Parameter limit: The time until the deadline, after which the work is cancelled.
    static func run<Result: Sendable>(
        _ time: MonotonicTime,
        limit: Duration,
        _ work: @escaping @Sendable () async -> Result
    ) async -> Result {
        // Deliberately unstructured: the caller's cancellation must not cancel it.
        let task = Task(executorPreference: executor) {
            await ResponseDeadline.begin(time, limit: limit) { await work() }
        }
        let deadline = Task(executorPreference: executor) {
            try await time.sleep(limit)
            task.cancel()
        }
        defer { deadline.cancel() }
        return await task.value
    }

    /// Runs `work` for at most a limited time after the caller's cancellation.
    ///
    /// - Parameter limit: The time from the caller's cancellation, after which the work is cancelled too.
    static func run<Result: Sendable>(
        _ time: MonotonicTime,
        limitAfterCancellation limit: Duration,
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let executor = Self.executor
        let task = Task(executorPreference: executor) { try await work() }
        let end = Mutex<Task<Void, any Error>?>(nil)
        defer { end.withLock { $0 }?.cancel() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            let timer = Task(executorPreference: executor) {
                try await time.sleep(limit)
                task.cancel()
            }
            end.withLock { $0 = timer }
        }
    }
}
