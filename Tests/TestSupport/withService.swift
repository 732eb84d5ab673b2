import Logging
public import ServiceLifecycle

/// Runs a service while `body` runs, then stops it gracefully and waits for its end.
public func withService<Result: Sendable>(
    _ service: any Service,
    _ body: @Sendable () async throws -> Result
) async throws -> Result {
    let logger = Logger.silent
    let group = ServiceGroup(services: [service], logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let result: Result
        do { result = try await body() } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return result
    }
}
