internal import Basics
public import FoundationEssentials
internal import PreviewDomain

/// A ``TimelineEvent`` with the time at which it happened.
public struct TimelineEntry: Hashable, Sendable {
    public let event: TimelineEvent
    /// On the API server's clock.
    public let time: Date

    public init(_ event: TimelineEvent, at time: Date) {
        self.event = event
        self.time = time
    }
}

extension TimelineEntry {
    /// The members that every event has. A detail of the same name gives way.
    private enum Member {
        static let type = "type"
        static let id = "id"
        static let run = "run_id"
        static let time = "time"
        static let message = "message"
        static let all = [type, id, run, time, message]
    }

    /// The event as the platform reads it: one JSON object on one line, whose members are all strings.
    public func json() throws -> [UInt8] {
        var members = event.details
        members[Member.type] = event.kind.rawValue
        members[Member.id] = event.id
        members[Member.run] = event.run.text
        members[Member.time] = RFC3339.string(time)
        members[Member.message] = event.message
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(members))
    }

    /// Reads back what ``json()`` wrote.
    ///
    /// - Parameter claim: The claim on which it was found.
    /// - Returns: `nil` for anything else, and for kinds that this version does not know.
    public init?(json: some Sequence<UInt8>, on claim: ClaimIdentity) {
        guard let members = try? JSONDecoder().decode([String: String].self, from: Data(json)),
            let kind = members[Member.type].flatMap(TimelineEvent.Kind.init),
            let id = members[Member.id], id.hasPrefix("\(kind.rawValue)/"),
            let run = members[Member.run].flatMap({ try? RunID($0) }),
            let time = members[Member.time].flatMap(RFC3339.date),
            let message = members[Member.message]
        else { return nil }
        self.init(
            TimelineEvent(
                kind,
                run: run,
                claim: claim,
                subject: String(id.dropFirst(kind.rawValue.count + 1)),
                message: message,
                details: members.filter { !Member.all.contains($0.key) }
            ),
            at: time
        )
    }
}
