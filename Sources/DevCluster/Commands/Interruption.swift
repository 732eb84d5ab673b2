import UnixSignals

/// What ended a command before it was done.
enum Interruption {
    /// Runs `body` until it is done, or until Ctrl-C or SIGTERM, which cancel it.
    ///
    /// - Returns: What `body` returned; `nil` if a signal came first. Either way `body` has ended.
    static func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result? {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in signals { return nil }
                // Cancelled because `body` is done.
                throw CancellationError()
            }
            let first = try await group.next() ?? nil
            group.cancelAll()
            while await group.nextResult() != nil {}
            return first
        }
    }
}
