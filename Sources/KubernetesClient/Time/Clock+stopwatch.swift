extension Clock where Duration == Swift.Duration {
    /// A function that tells the time passed since this call.
    func stopwatch() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: self.now) }
    }

    /// Runs `body`, and cancels it when `deadline` has passed.
    ///
    /// - Throws: What `body` throws, or `onTimeout()` if the deadline came first.
    func withDeadline<Result: Sendable>(
        _ deadline: Duration,
        _ body: @escaping @Sendable () async throws -> Result,
        onTimeout: @escaping @Sendable () -> any Error
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await self.sleep(for: deadline)
                throw onTimeout()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }
}
