import Synchronization

/// The result of repeating an operation for a while.
struct Throughput: Sendable {
    /// The number of completed operations per second.
    let rate: Double
    /// The CPU time of this process for each operation, in seconds.
    let cpuSeconds: Double
}

/// Runs `operation` repeatedly in `concurrency` tasks.
///
/// - Parameters:
///   - duration: How long to continue; an operation that has begun by then is finished and counted.
///   - operation: Gets the number of the task that runs it.
func throughput(
    concurrency: Int,
    for duration: Duration,
    _ operation: @escaping @Sendable (_ worker: Int) async throws -> Void
) async throws -> Throughput {
    let begun = ContinuousClock.now
    let end = begun + duration
    let cpuBefore = ProcessUsage.cpuSeconds()
    let count = try await withThrowingTaskGroup(of: Int.self) { group in
        for worker in 0..<concurrency {
            group.addTask {
                var count = 0
                while ContinuousClock.now < end {
                    try await operation(worker)
                    count += 1
                }
                return count
            }
        }
        return try await group.reduce(0, +)
    }
    return Throughput(
        rate: Double(count) / begun.duration(to: .now).seconds,
        cpuSeconds: (ProcessUsage.cpuSeconds() - cpuBefore) / Double(count)
    )
}

/// Two throughputs that are measured in turn, so that other load on the machine affects both alike.
struct Comparison: Sendable {
    private let pairs: [(first: Throughput, second: Throughput)]

    /// - Parameter pair: Measures one throughput after the other.
    init(rounds: Int, _ pair: () async throws -> (Throughput, Throughput)) async throws {
        // The first round warms up both.
        _ = try await pair()
        var pairs: [(Throughput, Throughput)] = []
        for _ in 0..<rounds { pairs.append(try await pair()) }
        self.pairs = pairs.map { (first: $0, second: $1) }
    }

    var firstRate: Double { pairs.map(\.first.rate).median }
    var secondRate: Double { pairs.map(\.second.rate).median }
    var firstCPUSeconds: Double { pairs.map(\.first.cpuSeconds).median }
    var secondCPUSeconds: Double { pairs.map(\.second.cpuSeconds).median }
}

/// Runs `operation` once for each element, at most `concurrency` at the same time.
func forEach<Element: Sendable>(
    _ elements: [Element],
    concurrency: Int,
    _ operation: @escaping @Sendable (Element) async throws -> Void
) async throws {
    let next = AtomicCounter()
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<min(concurrency, elements.count) {
            group.addTask {
                while true {
                    let position = next.add()
                    guard position < elements.count else { return }
                    try await operation(elements[position])
                }
            }
        }
        try await group.waitForAll()
    }
}

/// Waits until `condition` holds.
///
/// - Parameters:
///   - what: What is waited for, in words.
///   - pause: The time between two checks, each of which costs whatever it queries.
/// - Throws: ``NotInTime`` after `limit`, so that a benchmark that waits in vain reports the reason.
func wait(
    for what: String,
    atMost limit: Duration = .seconds(120),
    every pause: Duration = .milliseconds(5),
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else { throw NotInTime(what: what) }
        try await Task.sleep(for: pause)
    }
}

struct NotInTime: Error, CustomStringConvertible {
    let what: String

    var description: String { "waited in vain for \(what)" }
}

/// A counter for many tasks.
final class AtomicCounter: Sendable {
    private let number = Atomic(0)

    var count: Int { number.load(ordering: .relaxed) }

    /// - Returns: The count before.
    @discardableResult
    func add() -> Int { number.wrappingAdd(1, ordering: .relaxed).oldValue }
}
