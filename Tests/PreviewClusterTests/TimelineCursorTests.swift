import FoundationEssentials
import PreviewControl
import PreviewDomain
import Testing

@testable import PreviewCluster

@Suite("The position at which a reader of the timeline continues", .timeLimit(.minutes(10)))
struct TimelineCursorTests {
    private static let time = Date(timeIntervalSince1970: 1_800_000_000)

    private func record(_ position: Int?, at seconds: Double = 0) throws -> TimelineRecord {
        let event = TimelineEvent(
            .started,
            run: try RunID.testing(),
            claim: ClaimIdentity(name: "agent", uid: "uid"),
            subject: "\(position ?? -1)",
            message: "A preview was started."
        )
        return TimelineRecord(
            entry: TimelineEntry(event, at: Self.time.addingTimeInterval(seconds)),
            position: position.flatMap { TimelinePosition("\($0)") }
        )
    }

    @Test func listedEventsAreReadInTheOrderOfTheirWriting() throws {
        let records = try [record(10), record(9), record(100)]
        #expect(TimelineCursor(after: nil).unread(of: records).map(\.position?.description) == ["9", "10", "100"])
        let nine = TimelinePosition("9")
        #expect(TimelineCursor(after: nine).unread(of: records).map(\.position?.description) == ["10", "100"])
        #expect(TimelineCursor(after: TimelinePosition("100")).unread(of: records).isEmpty)
    }

    @Test func aPositionOfAnotherLogMeansEverything() throws {
        let records = try [record(1), record(2)]
        #expect(TimelineCursor(after: TimelinePosition("3")).unread(of: records).count == 2)
        #expect(TimelineCursor(after: TimelinePosition("3")).unread(of: []).isEmpty)
    }

    @Test func anEventWithoutAPositionIsNeverSkipped() throws {
        let records = try [record(nil, at: 2), record(nil, at: 1)]
        let unread = TimelineCursor(after: TimelinePosition("3")).unread(of: records)
        #expect(unread.map(\.entry.time) == [Self.time.addingTimeInterval(1), Self.time.addingTimeInterval(2)])
    }
}
