/// Runs `work` beside `body`, and ends it when `body` is done.
///
/// Nested calls give a tidy order: what was started last ends first.
///
/// - Parameters:
///   - name: What `work` is, for the error when it ends too early.
///   - work: Runs until it is cancelled.
///   - body: What needs `work` to run.
/// - Returns: What `body` returned.
/// - Throws: What `body` threw, or why `work` ended before it.
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
