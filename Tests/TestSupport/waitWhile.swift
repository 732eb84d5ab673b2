/// Yields to other tasks while a condition holds.
///
/// Also ends when the task is cancelled, as a suite's time limit does, so that a test cannot wait forever.
public func waitWhile(
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async rethrows {
    while !Task.isCancelled, try await condition() { await Task.yield() }
}

/// Yields to other tasks until a condition holds, or the task is cancelled; see ``waitWhile(isolation:_:)``.
public func waitUntil(
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async rethrows {
    while !Task.isCancelled, try await !condition() { await Task.yield() }
}

/// Runs `work`, and repeats `step` concurrently until `work` has ended.
public func runWork<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value,
    repeating step: @escaping @Sendable () async -> Void
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await work() }
        group.addTask {
            while !Task.isCancelled { await step() }
            return nil
        }
        defer { group.cancelAll() }
        while let value = try await group.next() {
            if let value { return value }
        }
        throw CancellationError()
    }
}
