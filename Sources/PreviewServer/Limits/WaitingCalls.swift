internal import HTTPTypes
internal import PreviewDomain
internal import ServiceLifecycle
internal import Synchronization

/// The calls that wait: agents' starts for their approval and long polls, or event streams.
///
/// They are few and long, whereas other requests are many and short, so they are counted separately: per run, so that
/// one run cannot take all slots, and on this replica.
final class WaitingCalls: Sendable {
    private struct State {
        var total = 0
        var perRun: [RunID: Int] = [:]
    }

    private let limits: RequestLimits
    private let state = Mutex(State())

    init(limits: RequestLimits) {
        self.limits = limits
    }

    /// The number of waiting calls on this replica.
    var count: Int { state.withLock(\.total) }

    /// The slot of one waiting call; it is free again when this value is deallocated.
    final class Slot: Sendable {
        private let calls: WaitingCalls
        private let run: RunID

        fileprivate init(_ run: RunID, in calls: WaitingCalls) {
            self.calls = calls
            self.run = run
        }

        deinit {
            calls.release(run)
        }
    }

    /// Takes a slot, for as long as the returned value is kept.
    ///
    /// - Throws: 429 if the run has too many waiting calls, 503 if the replica has.
    func slot(for run: RunID) throws(APIError) -> Slot {
        try state.withLock { state throws(APIError) in
            guard state.perRun[run, default: 0] < limits.maxWaitingPerRun else {
                throw APIError(
                    .tooManyRequests,
                    "\(limits.maxWaitingPerRun) calls already wait for this run, the maximum. End one of them first.",
                    retryAfter: Self.retryAfter
                )
            }
            guard state.total < limits.maxWaiting else {
                throw APIError(
                    .serviceUnavailable,
                    "This replica has its maximum number of waiting calls. Try again shortly.",
                    retryAfter: Self.retryAfter
                )
            }
            state.total += 1
            state.perRun[run, default: 0] += 1
        }
        return Slot(run, in: self)
    }

    /// Runs `operation` while its caller waits for it.
    ///
    /// It takes a slot and extends the request's time. The operation is cancelled when the caller disconnects and when
    /// this replica shuts down; then the caller is told to use another replica.
    ///
    /// - Parameters:
    ///   - longest: The longest that the operation waits.
    /// - Throws: The errors of ``slot(for:)`` and `operation`.
    func wait<Result: Sendable>(
        for run: RunID,
        atMost longest: Duration,
        context: PreviewRequestContext,
        _ operation: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        context.timeLimit.extend(by: longest)
        return try await context.cancellingOnClientDisconnection { [self] in
            try await wait(for: run, operation)
        }
    }

    /// Same as above, for callers that already observe disconnection and the request's time.
    func wait<Result: Sendable>(
        for run: RunID,
        _ operation: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        let slot = try slot(for: run)
        defer { withExtendedLifetime(slot) {} }
        do {
            return try await cancelWhenGracefulShutdown(operation)
        } catch  where Task.isShuttingDownGracefully && APIError.isCausedByCancellation(error) {
            throw APIError.replicaIsShuttingDown
        }
    }

    private func release(_ run: RunID) {
        state.withLock { state in
            state.total -= 1
            let count = state.perRun[run, default: 1] - 1
            state.perRun[run] = count == 0 ? nil : count
        }
    }

    private static let retryAfter = Duration.seconds(5)
}
