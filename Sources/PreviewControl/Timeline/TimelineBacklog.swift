internal import DequeModule
internal import PreviewDomain

/// The entries that wait to be written to a timeline, and their order. Values only: it reads no clock and does no I/O.
///
/// There are two lines. Events of users' actions come one at a time, and a user may be waiting to see them, so they go
/// first. The clock ends thousands of previews at the same instant; these events are written at a limited rate, so that
/// the API server has capacity for the deletions themselves.
///
/// A sink may fail for one run only. After a failure the entries of that run wait, and those of other runs are written.
/// If another run fails too before anything succeeds, the sink counts as down: then all entries wait, and one is tried at
/// growing intervals, so that the load does not depend on the number of runs.
struct TimelineBacklog: Sendable {
    /// The largest number of waiting entries of users' actions.
    static let userCapacity = 1_024
    /// The largest number of waiting entries of the clock: the ends of 10,000 previews take about 7 MB.
    static let bulkCapacity = 10_240
    /// The number of entries of the clock that are written without a pause.
    static let bulkBurst = 50
    /// The pause between two of them after that. If 10,000 previews live for half an hour, their ends and announcements
    /// come at half that rate; a request to write an Event costs the API server as much as a deletion.
    static let bulkInterval = Duration.milliseconds(40)
    /// The pause after the first failure; it doubles with each further one.
    static let firstPause = Duration.milliseconds(200)
    static let longestPause = Duration.seconds(30)

    /// An entry, and the state of the attempts to write it.
    struct Waiting: Sendable {
        let entry: TimelineEntry
        /// The uptime at which it was added.
        let since: Duration
        /// Whether an attempt has failed that the sink may nevertheless have carried out.
        fileprivate(set) var wasTried = false

        fileprivate var run: RunID { entry.event.run }
    }

    /// The result of adding an entry.
    enum Arrival: Sendable {
        /// It waits; the writer has to be woken if it can be the next.
        case waits(mayBeNext: Bool)
        /// It waits in place of this one, the oldest of its line, which is dropped.
        case displaced(Waiting)
        /// The same occurrence waits already, or is being written.
        case duplicate
    }

    /// The next step.
    enum Next: Sendable {
        case write(Waiting)
        /// Nothing may be written for this time, unless another entry is added.
        case pause(Duration)
        case nothing
    }

    private struct Occurrence: Hashable {
        let claimUID: String
        let name: String

        init(_ event: TimelineEvent) {
            claimUID = event.claim.uid
            name = event.occurrence
        }
    }

    /// The position of a waiting entry.
    private struct Place {
        let isBulk: Bool
        let index: Int
    }

    /// The state of a run whose last attempt failed.
    private struct Retry {
        var failures = 0
        /// The uptime of the next attempt.
        var due = Duration.zero
    }

    /// The failures since the last success of any run.
    private struct Outage {
        var failures = 0
        var lastRun: RunID?
        /// Whether several runs failed, so that the sink counts as down.
        var hasSeveralRuns = false
        /// The uptime of the next attempt; only set while the sink counts as down.
        var end = Duration.zero
    }

    private var userEntries: Deque<Waiting> = []
    private var bulkEntries: Deque<Waiting> = []
    /// The entries that wait or are being written.
    private var occurrences: Set<Occurrence> = []
    /// The uptime at which the next entry of the line ``bulkEntries`` would be due if they were evenly spaced.
    private var bulkDue = Duration.zero
    /// The runs whose last attempt failed. Each has a waiting entry, which bounds their number.
    private var retries: [RunID: Retry] = [:]
    private var outage = Outage()

    /// Adds an entry, unless its occurrence is known.
    mutating func add(_ entry: TimelineEntry, at now: Duration) -> Arrival {
        guard occurrences.insert(Occurrence(entry.event)).inserted else { return .duplicate }
        let waiting = Waiting(entry: entry, since: now)
        // The entries before it may all belong to runs that wait for their next attempt.
        let mayPass = !retries.isEmpty
        return entry.event.kind.isBulk
            ? Self.append(waiting, to: &bulkEntries, capacity: Self.bulkCapacity, mayPass)
            : Self.append(waiting, to: &userEntries, capacity: Self.userCapacity, mayPass)
    }

    private static func append(
        _ waiting: Waiting,
        to line: inout Deque<Waiting>,
        capacity: Int,
        _ mayPass: Bool
    ) -> Arrival {
        let oldest = line.count < capacity ? nil : line.popFirst()
        line.append(waiting)
        return oldest.map(Arrival.displaced) ?? .waits(mayBeNext: mayPass || line.count == 1)
    }

    // MARK: The order

    /// Removes and returns the entry that is to be written now. ``recordSuccess(of:)``, ``remove(_:)`` or
    /// ``requeue(_:at:retryAfter:jitter:)`` has to follow, as after every removal or replacement.
    mutating func next(at now: Duration) -> Next {
        guard outage.end <= now else { return .pause(outage.end - now) }
        let bulkStart = bulkDue - Self.bulkInterval * (Self.bulkBurst - 1)
        var start: Duration?
        for (place, due) in candidates() {
            let placeStart = place.isBulk ? max(due, bulkStart) : due
            guard placeStart > now else {
                if place.isBulk { bulkDue = max(bulkDue, now) + Self.bulkInterval }
                return .write(remove(at: place))
            }
            start = min(start ?? placeStart, placeStart)
        }
        return start.map { .pause($0 - now) } ?? .nothing
    }

    /// Removes and returns the first entry, regardless of the rate.
    mutating func takeFirst() -> Waiting? { candidates().first.map { remove(at: $0.place) } }

    /// The entries that can be the next, each with the uptime from which it may be written: the first one of a run
    /// without failures, and the first one of the run whose next attempt is due first.
    ///
    /// The former comes first: otherwise a sink that counts as down, because several runs always fail, would be tried with
    /// these runs only.
    private func candidates() -> [(place: Place, due: Duration)] {
        let retry = retries.min { $0.value.due < $1.value.due }
        let untroubled = firstPlace { retries[$0.run] == nil }.map { ($0, Duration.zero) }
        let troubled = retry.flatMap { run, retry in firstPlace { $0.run == run }.map { ($0, retry.due) } }
        return [untroubled, troubled].compactMap(\.self)
    }

    private func firstPlace(where matches: (Waiting) -> Bool) -> Place? {
        if let index = userEntries.firstIndex(where: matches) { return Place(isBulk: false, index: index) }
        return bulkEntries.firstIndex(where: matches).map { Place(isBulk: true, index: $0) }
    }

    private mutating func remove(at place: Place) -> Waiting {
        place.isBulk ? bulkEntries.remove(at: place.index) : userEntries.remove(at: place.index)
    }

    // MARK: Results

    /// The entry was written.
    mutating func recordSuccess(of waiting: Waiting) {
        outage = Outage()
        retries[waiting.run] = nil
        remove(waiting)
    }

    /// The attempt failed, and a later one may succeed: puts the entry back before all others of its line.
    ///
    /// - Parameters:
    ///   - retryAfter: The pause that the sink requested.
    ///   - jitter: A number in 0..<1.
    /// - Returns: False if the line is full.
    mutating func requeue(_ waiting: Waiting, at now: Duration, retryAfter: Duration?, jitter: Double) -> Bool {
        func end(after failures: Int) -> Duration {
            var pause = Self.firstPause
            for _ in 1..<failures where pause < Self.longestPause { pause *= 2 }
            pause = min(pause, Self.longestPause) * (0.5 + jitter / 2)
            return now + max(pause, min(retryAfter ?? .zero, Self.longestPause))
        }
        var retry = retries[waiting.run] ?? Retry()
        retry.failures += 1
        retry.due = end(after: retry.failures)
        retries[waiting.run] = retry
        outage.failures += 1
        if let last = outage.lastRun, last != waiting.run { outage.hasSeveralRuns = true }
        outage.lastRun = waiting.run
        if outage.hasSeveralRuns { outage.end = end(after: outage.failures) }

        var waiting = waiting
        waiting.wasTried = true
        return waiting.entry.event.kind.isBulk
            ? Self.prepend(waiting, to: &bulkEntries, capacity: Self.bulkCapacity)
            : Self.prepend(waiting, to: &userEntries, capacity: Self.userCapacity)
    }

    private static func prepend(_ waiting: Waiting, to line: inout Deque<Waiting>, capacity: Int) -> Bool {
        guard line.count < capacity else { return false }
        line.prepend(waiting)
        return true
    }

    /// Removes and returns the entries that were added by `since` and cannot be written now because of failures.
    mutating func takeExpired(since: Duration) -> [Waiting] {
        let isExpired = { [outage, retries] (waiting: Waiting) in
            waiting.since <= since && (outage.hasSeveralRuns || retries[waiting.run] != nil)
        }
        let expired = Array(userEntries.filter(isExpired)) + bulkEntries.filter(isExpired)
        userEntries.removeAll(where: isExpired)
        bulkEntries.removeAll(where: isExpired)
        return expired
    }

    /// The entry will never be written, or was.
    mutating func remove(_ waiting: Waiting) {
        occurrences.remove(Occurrence(waiting.entry.event))
        if retries[waiting.run] != nil, firstPlace(where: { $0.run == waiting.run }) == nil {
            retries[waiting.run] = nil
        }
    }
}

extension TimelineEvent.Kind {
    /// Whether it happens to any number of previews at the same instant, without a user's action.
    fileprivate var isBulk: Bool {
        switch self {
        case .ready, .expiring, .stopped, .reaped: true
        case .approvalRequired, .autoApproved, .approved, .denied, .timedOut, .withdrawn, .started: false
        }
    }
}
