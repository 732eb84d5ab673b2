internal import Dispatch
internal import PreviewControl
internal import Synchronization

/// Runs tasks one at a time, and tells when none of them can proceed: all of them sleep, wait or have ended.
///
/// A test that advances a clock waits for that first. Yielding a number of times is not enough on a busy machine, where
/// the thread of another task may be suspended meanwhile. Work that waits for real I/O counts as idle.
public final class IdleExecutor: TaskExecutor, Sendable {
    private struct State {
        /// The jobs that are queued or run.
        var jobCount = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "IdleExecutor")

    public init() {}

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobCount += 1 }
        queue.async {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
            let waiters = self.state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.jobCount -= 1
                guard state.jobCount == 0 else { return [] }
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    /// Runs `body` and its child tasks on this executor, and the work that its calls continue when they are cancelled.
    public func run<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        try await withTaskExecutorPreference(self) {
            try await UncancelledWork.$executor.withValue(self) { try await body() }
        }
    }

    /// Returns once no other task can proceed. One of this executor's tasks calls it.
    public func untilIdle() async {
        await withCheckedContinuation { continuation in state.withLock { $0.waiters.append(continuation) } }
    }

    /// Runs `work`, and performs `step` each time when no task of `work` can proceed.
    public func runWork<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value,
        whenIdle step: @escaping @Sendable () -> Void
    ) async throws -> Value {
        try await run {
            try await TestSupport.runWork(work) {
                await self.untilIdle()
                if !Task.isCancelled { step() }
            }
        }
    }
}
