import Dispatch
import HeapModule
import Synchronization
import TestSupport

/// Runs all tasks of a simulation on one thread, in an order that a seed selects, on a clock that advances only when no
/// job is ready.
///
/// Jobs that are ready at the same instant run in any order, as they would on several threads. If none is ready, the
/// clock jumps to the earliest deadline. One seed therefore gives exactly one run, as long as nothing else is random:
/// the iteration order of dictionaries is not if the process was started with `SWIFT_DETERMINISTIC_HASHING`.
final class SimulatedExecutor: TaskExecutor, Sendable {
    private struct Deadline: Comparable {
        let instant: Duration
        let id: Int

        static func < (left: Deadline, right: Deadline) -> Bool { (left.instant, left.id) < (right.instant, right.id) }
    }

    private struct State {
        var now = Duration.zero
        var ready: [UnownedJob] = []
        var sleepers: [Int: CheckedContinuation<Void, any Error>] = [:]
        /// The deadlines of the sleepers, including those of cancelled ones.
        var deadlines = Heap<Deadline>()
        var cancelledEarly: Set<Int> = []
        var nextID = 0
        var jobCount = 0
        var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
    }

    private let state = Mutex(State())
    private let random: SeededRandom
    /// Signalled with every job.
    private let arrivals = DispatchSemaphore(value: 0)

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// Longer than any simulation.
    static let forever = Duration.seconds(1_000_000)

    var now: Duration { state.withLock { $0.now } }
    /// The number of jobs that have run.
    var jobCount: Int { state.withLock { $0.jobCount } }
    /// A number that two runs share only if the same jobs ran at the same instants.
    var fingerprint: UInt64 { state.withLock { $0.fingerprint } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.ready.append(job) }
        arrivals.signal()
    }

    /// Runs the ready jobs until `isOver`, or until no job is ready and no task sleeps.
    ///
    /// - Parameter advanced: Called with each step of the clock, before any task wakes.
    func run(until isOver: () -> Bool, advanced: (Duration) -> Void) {
        while !isOver() {
            if let job = takeReady() {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if !wakeNext(advanced) {
                return
            }
        }
    }

    /// Ends the remaining tasks after the simulation: wakes all sleepers with an error, until nothing is left to run.
    ///
    /// Cancellation may pass through the global executor, so that jobs may still arrive from there.
    func drain() {
        for _ in 0..<Self.maxDrainRounds {
            while let job = takeReady() { job.runSynchronously(on: asUnownedTaskExecutor()) }
            let sleepers = state.withLock { state in
                defer { state.sleepers = [:] }
                return state.sleepers.values
            }
            for sleeper in sleepers { sleeper.resume(throwing: CancellationError()) }
            while arrivals.wait(timeout: .now()) == .success {}
            let isIdle = sleepers.isEmpty && state.withLock { $0.ready.isEmpty }
            if isIdle, arrivals.wait(timeout: .now() + Self.lastArrival) == .timedOut { return }
        }
    }

    private static let maxDrainRounds = 1000
    /// How long the drain waits for another job.
    private static let lastArrival = 0.02

    private func takeReady() -> UnownedJob? {
        state.withLock { state in
            guard !state.ready.isEmpty else { return nil }
            let index = state.ready.count == 1 ? 0 : Int(random.next() % UInt64(state.ready.count))
            state.ready.swapAt(index, state.ready.count - 1)
            state.jobCount += 1
            state.fingerprint = Self.mix(state.fingerprint, UInt64(index) &+ UInt64(state.ready.count) << 32)
            return state.ready.removeLast()
        }
    }

    private func wakeNext(_ advanced: (Duration) -> Void) -> Bool {
        let next = state.withLock { state -> (CheckedContinuation<Void, any Error>, Duration)? in
            while let deadline = state.deadlines.popMin() {
                guard let sleeper = state.sleepers.removeValue(forKey: deadline.id) else { continue }
                let step = max(deadline.instant - state.now, .zero)
                state.now += step
                state.fingerprint = Self.mix(state.fingerprint, UInt64(bitPattern: step.components.attoseconds))
                return (sleeper, step)
            }
            return nil
        }
        guard let (sleeper, step) = next else { return false }
        if step > .zero { advanced(step) }
        sleeper.resume()
        return true
    }

    private static func mix(_ hash: UInt64, _ value: UInt64) -> UInt64 { (hash ^ value) &* 0x0000_0100_0000_01b3 }

    // MARK: Sleeping

    /// Waits on the simulated clock.
    func sleep(_ duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if state.cancelledEarly.remove(id) != nil || Task.isCancelled { return true }
                    let deadline = state.now + max(duration, .zero)
                    state.sleepers[id] = continuation
                    state.deadlines.insert(Deadline(instant: deadline, id: id))
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelledEarly.insert(id) }
                return sleeper
            }
            sleeper?.resume(throwing: CancellationError())
        }
        _ = state.withLock { $0.cancelledEarly.remove(id) }
    }
}

/// The executor's clock.
struct SimulatedClock: Clock {
    typealias Instant = ManualClock.Instant

    let executor: SimulatedExecutor
    /// Whether the machine of the sleeping task still runs; a task on a crashed machine never wakes.
    let isAlive: @Sendable () -> Bool

    var now: Instant { Instant(offset: executor.now) }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await executor.sleep(deadline.offset - executor.now)
        if !isAlive() { try await executor.sleep(SimulatedExecutor.forever) }
    }
}
