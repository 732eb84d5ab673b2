/// Asks again and again until there is an answer or the time is up.
///
/// - Parameters:
///   - interval: The time between two questions.
///   - limit: The longest time in all.
///   - clock: The clock to wait by.
///   - isolation: The caller's isolation, in which `attempt` runs.
///   - attempt: Gives the answer, or `nil` if there is none yet.
/// - Returns: The answer, or `nil` when the time was up.
/// - Throws: What `attempt` threw, or `CancellationError`.
package func poll<Answer: Sendable>(
    every interval: Duration,
    limit: Duration,
    clock: some Clock<Duration> = ContinuousClock(),
    isolation: isolated (any Actor)? = #isolation,
    _ attempt: () async throws -> Answer?
) async throws -> Answer? {
    let deadline = clock.now.advanced(by: limit)
    while true {
        if let answer = try await attempt() { return answer }
        guard clock.now < deadline else { return nil }
        try await clock.sleep(for: interval)
    }
}
