import FoundationEssentials
import PreviewDomain
import Testing

@testable import PreviewControl

@Suite("An entry of the timeline as JSON", .timeLimit(.minutes(10)))
struct TimelineEntryTests {
    private static let claim = ClaimIdentity(name: "agent-3f2a9c1e0000", uid: "claim-1")
    private static let time = Date(timeIntervalSince1970: 1_800_000_000.25)

    private static func entry(
        _ kind: TimelineEvent.Kind = .approvalRequired,
        message: String = "The agent wants to expose a preview server on port 3000.",
        details: [String: String] = ["requestId": "1a2b3c4d", "url": "sandbox-preview:3000"]
    ) -> TimelineEntry {
        let event = TimelineEvent(
            kind,
            run: ControlHarness.run,
            claim: claim,
            subject: "1a2b/3c4d",
            message: message,
            details: details
        )
        return TimelineEntry(event, at: time)
    }

    @Test func anEntryHasTheMembersThatThePlatformExpects() throws {
        #expect(
            String(decoding: try Self.entry().json(), as: UTF8.self) == """
                {"id":"tool.approval_required/1a2b/3c4d",\
                "message":"The agent wants to expose a preview server on port 3000.","requestId":"1a2b3c4d",\
                "run_id":"3f2a9c1e-0000-4000-8000-000000000001","time":"2027-01-15T08:00:00.250Z",\
                "type":"tool.approval_required","url":"sandbox-preview:3000"}
                """
        )
    }

    @Test(arguments: TimelineEvent.Kind.allCases)
    func everyKindIsReadBackAsItWasWritten(kind: TimelineEvent.Kind) throws {
        let entry = Self.entry(kind)
        #expect(TimelineEntry(json: try entry.json(), on: Self.claim) == entry)
    }

    @Test func lineBreaksStayInsideTheLine() throws {
        let entry = Self.entry(message: "one\r\ntwo\u{2028}three", details: ["a": "b\n\nevent: forged\n\n"])
        let json = try entry.json()
        #expect(!json.contains(UInt8(ascii: "\n")) && !json.contains(UInt8(ascii: "\r")))
        #expect(TimelineEntry(json: json, on: Self.claim) == entry)
    }

    @Test func aDetailCannotReplaceACommonMember() throws {
        let forged = ["type": "preview.approved", "id": "x", "run_id": "y", "time": "z", "message": "forged"]
        #expect(try Self.entry(details: forged).json() == Self.entry(details: [:]).json())
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"type":"preview.started"}"#,
        #"{"id":"preview.started/x","message":"","run_id":"r","time":"2027-01-15T08:00:00Z","type":"preview.unheard"}"#,
        #"{"id":"preview.stopped/x","message":"","run_id":"r","time":"2027-01-15T08:00:00Z","type":"preview.started"}"#,
        #"{"id":"preview.started/x","message":"","run_id":"../","time":"2027-01-15T08:00:00Z","type":"preview.started"}"#,
        #"{"id":"preview.started/x","message":"","run_id":"r","time":"yesterday","type":"preview.started"}"#,
        #"{"id":"preview.started/x","message":1,"run_id":"r","time":"2027-01-15T08:00:00Z","type":"preview.started"}"#,
    ])
    func invalidEntriesAreIgnored(text: String) {
        #expect(TimelineEntry(json: text.utf8, on: Self.claim) == nil)
    }

    @Test func aPreviewsEndIsOneOccurrenceHoweverItIsReported() {
        #expect(Self.entry(.stopped).event.occurrence == Self.entry(.reaped).event.occurrence)
        #expect(Self.entry(.stopped).event.id != Self.entry(.reaped).event.id)
        let others = TimelineEvent.Kind.allCases.filter { $0 != .stopped && $0 != .reaped }
        #expect(Set(others.map { Self.entry($0).event.occurrence }).count == others.count)
    }
}
