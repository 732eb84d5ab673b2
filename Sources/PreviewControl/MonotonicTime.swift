/// Elapsed time and waiting, from any clock.
///
/// A plain `any Clock<Duration>` cannot tell how long ago an instant was, so the two things that are needed of a clock
/// are taken from it here.
public struct MonotonicTime: Sendable {
    /// The time since this value was made.
    public let uptime: @Sendable () -> Duration
    /// Waits; throws `CancellationError` when the task is cancelled meanwhile.
    public let sleep: @Sendable (Duration) async throws -> Void

    public init(_ clock: some Clock<Duration>) {
        let origin = clock.now
        uptime = { origin.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0, tolerance: .zero) }
    }
}
