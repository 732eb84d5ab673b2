/// Calls `attempt` repeatedly until it returns a value or the time limit has passed.
///
/// - Parameters:
///   - interval: The time between two calls.
///   - limit: The longest time in total.
///   - clock: The clock that measures and waits.
///   - isolation: The caller's isolation, in which `attempt` runs.
///   - attempt: Returns the value; `nil` if there is none yet.
/// - Returns: The value; `nil` if the time limit has passed.
/// - Throws: The error of `attempt`, or `CancellationError`.
package func poll<Value: Sendable>(
    every interval: Duration,
    limit: Duration,
    clock: some Clock<Duration> = ContinuousClock(),
    isolation: isolated (any Actor)? = #isolation,
    _ attempt: () async throws -> Value?
) async throws -> Value? {
    let deadline = clock.now.advanced(by: limit)
    while true {
        if let value = try await attempt() { return value }
        guard clock.now < deadline else { return nil }
        try await clock.sleep(for: interval)
    }
}
