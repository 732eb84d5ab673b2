/// The time by which the caller of the current task must get a response.
///
/// It is a task-local value, so it bounds every request that is sent on behalf of the caller, from whatever code and
/// however many requests an operation takes. Tasks without a waiting caller have no deadline. It needs no timer: code
/// that sends a request reads the remaining time.
///
/// It limits only the time spent on other services. It is suspended while a human decides, and starts again afterwards.
public struct ResponseDeadline: Sendable {
    /// The longest time from the arrival of a request to its response. It leaves one of the 10 seconds in which every
    /// request has to be answered.
    public static let limit = Duration.seconds(9)
    /// The part of it that an operation reserves for deleting what it had created.
    public static let rollbackTime = Duration.seconds(3)

    @TaskLocal private static var current: ResponseDeadline?

    private let end: Duration
    private let uptime: @Sendable () -> Duration

    /// The remaining time, at least zero; `nil` if no caller waits.
    public static var remaining: Duration? { current.map { max($0.end - $0.uptime(), .zero) } }

    /// Runs `work` with a new deadline.
    ///
    /// - Parameter limit: The time until the deadline.
    public static func begin<Result>(
        _ time: MonotonicTime,
        limit: Duration = limit,
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        let deadline = ResponseDeadline(end: time.uptime() + limit, uptime: time.uptime)
        return try await $current.withValue(deadline, operation: work, isolation: isolation)
    }

    /// Runs `work` with the current deadline, or a new one if there is none.
    static func ensure<Result>(
        _ time: MonotonicTime,
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        if current != nil { return try await work() }
        return try await begin(time, limit: limit, isolation: isolation, work)
    }

    /// Runs `work` with a deadline that leaves ``rollbackTime`` afterwards.
    static func reservingRollbackTime<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        let earlier = current.map { ResponseDeadline(end: $0.end - rollbackTime, uptime: $0.uptime) }
        return try await $current.withValue(earlier, operation: work, isolation: isolation)
    }

    /// Runs `work` with a new deadline if there is one, because the time before was spent on waiting for a human.
    public static func renew<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        let renewed = current.map { ResponseDeadline(end: $0.uptime() + limit, uptime: $0.uptime) }
        return try await $current.withValue(renewed, operation: work, isolation: isolation)
    }

    /// Runs `work` without a deadline.
    static func suspend<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Result
    ) async rethrows -> Result {
        try await $current.withValue(nil, operation: work, isolation: isolation)
    }
}

/// Elapsed time and waiting, from any clock.
///
/// `any Clock<Duration>` cannot compute the time since an instant, so this type captures the two required operations of
/// a clock.
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
