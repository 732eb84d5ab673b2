public import PreviewControl
public import PreviewDomain
internal import Synchronization

/// A timeline's log in memory, which several replicas can share.
public final class SimulatedTimelineLog: TimelineSink, TimelineLog {
    private struct State {
        var records: [TimelineRecord] = []
        var failures: [TimelineFailure] = []
        var failuresOfRuns: [RunID: TimelineFailure] = [:]
        var attempts = 0
        var readers: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextReader = 0
        var isBlocked = false
    }

    private let state = Mutex(State())

    public init() {}

    // MARK: For tests

    /// The entries written so far, in order.
    public var entries: [TimelineEntry] { state.withLock { $0.records.map(\.entry) } }
    /// The number of attempts to write.
    public var attempts: Int { state.withLock { $0.attempts } }
    /// The number of readers that follow the log.
    public var readerCount: Int { state.withLock { $0.readers.count } }

    /// Makes the next attempts fail, one failure each.
    public func fail(_ failures: TimelineFailure...) { state.withLock { $0.failures += failures } }

    /// Makes every attempt for a run fail, until it is called with `nil`.
    public func fail(_ run: RunID, with failure: TimelineFailure?) {
        state.withLock { $0.failuresOfRuns[run] = failure }
    }

    /// Makes writes wait until ``unblock()``, or until their task is cancelled.
    public func block() { state.withLock { $0.isBlocked = true } }
    public func unblock() { state.withLock { $0.isBlocked = false } }

    // MARK: The ports

    public func write(_ entry: TimelineEntry) async throws(TimelineFailure) -> Bool {
        state.withLock { $0.attempts += 1 }
        while state.withLock(\.isBlocked) {
            guard !Task.isCancelled else { throw TimelineFailure(isTemporary: true, "cancelled") }
            await Task.yield()
        }
        let result = state.withLock { state -> Result<Bool, TimelineFailure> in
            if !state.failures.isEmpty { return .failure(state.failures.removeFirst()) }
            if let failure = state.failuresOfRuns[entry.event.run] { return .failure(failure) }
            let isKnown = state.records.contains {
                $0.entry.event.claim == entry.event.claim && $0.entry.event.occurrence == entry.event.occurrence
            }
            guard !isKnown else { return .success(false) }
            state.records.append(
                TimelineRecord(entry: entry, position: TimelinePosition("\(state.records.count + 1)"))
            )
            for reader in state.readers.values { reader.yield() }
            return .success(true)
        }
        return try result.get()
    }

    public func follow(
        _ claim: ClaimIdentity,
        after position: TimelinePosition?,
        _ handle: @escaping @Sendable (TimelineRecord) async throws -> Void
    ) async throws {
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            defer { state.nextReader += 1 }
            state.readers[state.nextReader] = change
            return state.nextReader
        }
        defer { state.withLock { $0.readers[id] = nil } }
        change.yield()
        var position = position
        for await _ in changes {
            let records = state.withLock { $0.records }
            for record in records where record.entry.event.claim == claim {
                guard let place = record.position, position.map({ place > $0 }) ?? true else { continue }
                try await handle(record)
                position = place
            }
        }
    }
}
