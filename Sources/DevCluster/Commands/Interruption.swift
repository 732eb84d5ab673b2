import UnixSignals

/// Runs commands until they complete or are interrupted by a signal.
enum Interruption {
    /// Runs `body` until it returns, or until SIGINT or SIGTERM, which cancel it.
    ///
    /// - Returns: The result of `body`; `nil` if a signal came first. In both cases `body` has ended.
    static func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result? {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in signals { return nil }
                // Cancelled, because `body` has returned.
                throw CancellationError()
            }
            let first = try await group.next() ?? nil
            group.cancelAll()
            while await group.nextResult() != nil {}
            return first
        }
    }
}
