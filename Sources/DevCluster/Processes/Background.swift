/// Runs `work` while `body` runs, and cancels it when `body` has returned.
///
/// Nested calls end in the reverse order of their start.
///
/// - Parameters:
///   - name: The description of `work`, for the error if it ends too early.
///   - work: Runs until it is cancelled.
///   - body: Uses what `work` provides.
/// - Returns: The result of `body`.
/// - Throws: The error of `body`, or a ``DevClusterFailure`` if `work` ended before it.
package func withBackground<Result: Sendable>(
    _ name: String,
    _ work: @escaping @Sendable () async throws -> Void,
    body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            try await work()
            return nil
        }
        group.addTask { try await body() }
        // Leaving the group's scope waits for the other task.
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else {
            try Task.checkCancellation()
            throw DevClusterFailure("\(name) ended unexpectedly")
        }
        return result
    }
}
