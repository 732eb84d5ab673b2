/// When whoever waits for the current task has to have an answer.
///
/// It travels with the task, so that every request that is sent on a caller's behalf is bounded by it, whatever leads there, and
/// however many requests an operation takes. Work that nobody waits for has none. It costs no timer: who sends a request
/// asks how much time is left.
///
/// It is about waiting for other services only. Where a human is waited for, it stands still and begins anew.
public struct AnswerDeadline: Sendable {
    /// How long a caller waits, from the arrival of its request. It leaves a second of the 10 that nobody shall wait
    /// longer than.
    public static let limit = Duration.seconds(9)
    /// What an operation keeps of it to take back what it had begun.
    public static let takingBack = Duration.seconds(3)

    @TaskLocal private static var current: AnswerDeadline?

    private let end: Duration
    private let uptime: @Sendable () -> Duration

    /// How much time is left, at worst none; `nil` where nobody waits.
    public static var remaining: Duration? { current.map { max($0.end - $0.uptime(), .zero) } }

    /// Runs `work` for somebody who begins to wait now.
    ///
    /// - Parameter limit: How long that is.
    public static func begin<Result>(
        _ time: MonotonicTime,
        limit: Duration = limit,
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        let deadline = AnswerDeadline(end: time.uptime() + limit, uptime: time.uptime)
        return try await $current.withValue(deadline, operation: work, isolation: isolation)
    }

    /// Runs `work` for somebody who waits already, or else begins to wait now.
    static func keep<Result>(
        _ time: MonotonicTime,
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        if current != nil { return try await work() }
        return try await begin(time, limit: limit, isolation: isolation, work)
    }

    /// Runs `work` so that ``takingBack`` is left afterwards.
    static func reserve<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        let earlier = current.map { AnswerDeadline(end: $0.end - takingBack, uptime: $0.uptime) }
        return try await $current.withValue(earlier, operation: work, isolation: isolation)
    }

    /// Runs `work` with all the time that it takes.
    static func suspend<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        try await $current.withValue(nil, operation: work, isolation: isolation)
    }
}

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
