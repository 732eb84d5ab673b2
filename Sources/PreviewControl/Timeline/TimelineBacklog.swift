internal import DequeModule

/// The entries that wait to be written to a timeline, and their order. Values only: it reads no clock and does no I/O.
///
/// There are two lines. Events of users' actions come one at a time, and a user may be waiting to see them, so they go
/// first. The clock ends thousands of previews at the same instant; these events are written at a limited rate, so that
/// the API server has capacity for the deletions themselves.
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

    /// An entry, and the state of the attempts to write it.
    struct Waiting: Sendable {
        let entry: TimelineEntry
        /// The uptime at which it was added.
        let since: Duration
        /// Whether an attempt has failed that the sink may nevertheless have carried out.
        var wasTried = false
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

    private var userEntries: Deque<Waiting> = []
    private var bulkEntries: Deque<Waiting> = []
    /// The entries that wait or are being written.
    private var occurrences: Set<Occurrence> = []
    /// The uptime at which the next entry of the line ``bulkEntries`` would be due if they were evenly spaced.
    private var bulkDue = Duration.zero

    /// Adds an entry, unless its occurrence is known.
    mutating func add(_ entry: TimelineEntry, at now: Duration) -> Arrival {
        guard occurrences.insert(Occurrence(entry.event)).inserted else { return .duplicate }
        let waiting = Waiting(entry: entry, since: now)
        return entry.event.kind.isBulk
            ? Self.append(waiting, to: &bulkEntries, capacity: Self.bulkCapacity)
            : Self.append(waiting, to: &userEntries, capacity: Self.userCapacity)
    }

    private static func append(_ waiting: Waiting, to line: inout Deque<Waiting>, capacity: Int) -> Arrival {
        let oldest = line.count < capacity ? nil : line.popFirst()
        line.append(waiting)
        return oldest.map(Arrival.displaced) ?? .waits(mayBeNext: line.count == 1)
    }

    /// Removes and returns the entry that is to be written now. ``remove(_:)`` or ``requeue(_:)`` has to follow, as
    /// after every removal or replacement.
    mutating func next(at now: Duration) -> Next {
        if let waiting = userEntries.popFirst() { return .write(waiting) }
        guard !bulkEntries.isEmpty else { return .nothing }
        let allowed = bulkDue - Self.bulkInterval * (Self.bulkBurst - 1)
        guard allowed <= now else { return .pause(allowed - now) }
        bulkDue = max(bulkDue, now) + Self.bulkInterval
        return .write(bulkEntries.removeFirst())
    }

    /// Removes and returns the first entry, regardless of the rate.
    mutating func takeFirst() -> Waiting? { userEntries.popFirst() ?? bulkEntries.popFirst() }

    /// The entry was written, or never will be.
    mutating func remove(_ waiting: Waiting) { occurrences.remove(Occurrence(waiting.entry.event)) }

    /// Puts the entry back before all others of its line.
    ///
    /// - Returns: False if its line is full.
    mutating func requeue(_ waiting: Waiting) -> Bool {
        if waiting.entry.event.kind.isBulk {
            guard bulkEntries.count < Self.bulkCapacity else { return false }
            bulkEntries.prepend(waiting)
        } else {
            guard userEntries.count < Self.userCapacity else { return false }
            userEntries.prepend(waiting)
        }
        return true
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
