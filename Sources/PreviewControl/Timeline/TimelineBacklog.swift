internal import DequeModule

/// What waits to be written to a timeline, and in which order. Values only: it reads no clock and does no I/O.
///
/// There are two lines. What people do comes one at a time, and somebody may be waiting to see it: it always goes first.
/// The clock ends thousands of previews at the same instant; telling of that is done at a pace that leaves the API server's
/// attention for the deletions themselves.
struct TimelineBacklog: Sendable {
    /// How many entries wait at most of what people do.
    static let promptCapacity = 1_024
    /// How many entries wait at most of what the clock does: the ends of 10,000 previews are some 7 MB.
    static let massCapacity = 10_240
    /// How many entries of what the clock does are written at once, without a pause.
    static let massBurst = 50
    /// The pause between two of them after that. 10,000 previews that live for half an hour end, and are announced to end,
    /// half as often; a request to write an Event costs the API server as much as a deletion.
    static let massInterval = Duration.milliseconds(40)

    /// An entry, and what is known of the attempts to write it.
    struct Waiting: Sendable {
        let entry: TimelineEntry
        /// The uptime at which it came.
        let since: Duration
        /// Whether an attempt has failed of which the sink may have heard.
        var wasTried = false
    }

    /// What became of an entry that came.
    enum Arrival: Sendable {
        /// It waits; somebody has to be woken where it can be the next.
        case waits(mayBeNext: Bool)
        /// It waits in place of this one, the oldest of its line.
        case displaced(Waiting)
        /// The same occurrence waits already, or is being written.
        case known
    }

    /// What to do next.
    enum Next: Sendable {
        case write(Waiting)
        /// Nothing may be written for so long, unless something else comes.
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

    private var prompt: Deque<Waiting> = []
    private var mass: Deque<Waiting> = []
    /// What waits or is being written.
    private var known: Set<Occurrence> = []
    /// The uptime at which the next entry of the line ``mass`` would be due, were they evenly spaced.
    private var massDue = Duration.zero

    /// Takes an entry, unless its occurrence is known.
    mutating func add(_ entry: TimelineEntry, at now: Duration) -> Arrival {
        guard known.insert(Occurrence(entry.event)).inserted else { return .known }
        let waiting = Waiting(entry: entry, since: now)
        return entry.event.kind.comesInMasses
            ? Self.append(waiting, to: &mass, capacity: Self.massCapacity)
            : Self.append(waiting, to: &prompt, capacity: Self.promptCapacity)
    }

    private static func append(_ waiting: Waiting, to line: inout Deque<Waiting>, capacity: Int) -> Arrival {
        let oldest = line.count < capacity ? nil : line.popFirst()
        line.append(waiting)
        return oldest.map(Arrival.displaced) ?? .waits(mayBeNext: line.count == 1)
    }

    /// Takes out what is to be written now. ``remove(_:)`` or ``putBack(_:)`` has to follow, as after everything that is
    /// taken out or displaced.
    mutating func next(at now: Duration) -> Next {
        if let waiting = prompt.popFirst() { return .write(waiting) }
        guard !mass.isEmpty else { return .nothing }
        let allowed = massDue - Self.massInterval * (Self.massBurst - 1)
        guard allowed <= now else { return .pause(allowed - now) }
        massDue = max(massDue, now) + Self.massInterval
        return .write(mass.removeFirst())
    }

    /// Takes out the first entry, whatever the pace.
    mutating func takeFirst() -> Waiting? { prompt.popFirst() ?? mass.popFirst() }

    /// The entry was written, or never will be.
    mutating func remove(_ waiting: Waiting) { known.remove(Occurrence(waiting.entry.event)) }

    /// The entry is to be tried again before all others of its line.
    ///
    /// - Returns: False where its line is full.
    mutating func putBack(_ waiting: Waiting) -> Bool {
        if waiting.entry.event.kind.comesInMasses {
            guard mass.count < Self.massCapacity else { return false }
            mass.prepend(waiting)
        } else {
            guard prompt.count < Self.promptCapacity else { return false }
            prompt.prepend(waiting)
        }
        return true
    }
}

extension TimelineEvent.Kind {
    /// Whether it happens to any number of previews at the same instant, without anybody's doing.
    fileprivate var comesInMasses: Bool {
        switch self {
        case .ready, .expiring, .stopped, .reaped: true
        case .approvalRequired, .autoApproved, .approved, .denied, .timedOut, .withdrawn, .started: false
        }
    }
}
