import FoundationEssentials
import NIOCore
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

@Suite("Events for a reader of the run's event stream", .timeLimit(.minutes(10)))
struct RunStreamEventsTests {
    /// A class, because an expectation cannot mutate a value.
    private final class Reader {
        var events = RunStreamEvents()

        func events(after approvals: [Approval]) -> [String] {
            events.approvalsChanged(approvals).map { String(buffer: $0) }
        }
    }

    private let reader = Reader()
    private let start = Date(timeIntervalSince1970: 1_800_000_000)

    private func pending(_ port: Int = 3000) throws -> Approval {
        let random = SeededRandom(seed: UInt64(port))
        return Approval(
            id: try ApprovalRequestID.mint { random.bytes($0) },
            run: try RunID(APIHarness.run),
            port: try #require(TargetPort(port)),
            pod: "pod-1",
            podUID: "uid-1",
            requester: "agent",
            requestedAt: start,
            window: .seconds(300)
        )
    }

    private func approved(_ approval: Approval) throws -> Approval {
        try #require(
            approval.after(.approve(scope: .once, by: "ada", at: start, usableFor: .seconds(300)))
        )
    }

    private func denied(_ approval: Approval) throws -> Approval {
        try #require(approval.after(.deny(by: "ada", reason: "not now", at: start)))
    }

    private func approvedAutomatically(_ approval: Approval, after delay: Duration) throws -> Approval {
        let now = start + delay
        let granted = approval.after(.approveAutomatically(.runOption, at: now, usableFor: .seconds(300)))
        return try #require(granted?.after(.use("use", at: now)))
    }

    @Test func aPendingRequestIsSentOnceOnConnect() throws {
        let approval = try pending()
        let cards = reader.events(after: [approval])
        #expect(cards.count == 1)
        #expect(cards[0].hasPrefix("event: tool.approval_required\ndata: {"))
        for member in [
            #""requestId":"\#(approval.id)""#, #""displayId":"\#(approval.id.displayID)""#,
            #""toolName":"start_preview""#,
            #""url":"sandbox-preview:3000""#, #""intention":"The agent wants to expose"#,
            #""message":"The agent wants"#,
        ] {
            #expect(cards[0].contains(member))
        }
        #expect(!cards[0].contains("id: "))
        #expect(reader.events(after: [approval]).isEmpty)
    }

    @Test func aDecisionRemovesTheCard() throws {
        let (one, other) = (try pending(3000), try pending(3001))
        _ = reader.events(after: [one, other])
        let events = reader.events(after: [try approved(one), try denied(other)])
        #expect(events.count == 2)
        #expect(events[0].hasPrefix("event: tool.result\n") && events[0].contains(#""callId":"\#(one.id)""#))
        #expect(events[1].hasPrefix("event: tool.error\n") && events[1].contains(#""callId":"\#(other.id)""#))
        #expect(events[1].contains(#""reason":"not now""#))
        #expect(reader.events(after: [try approved(one), try denied(other)]).isEmpty)
    }

    @Test func anAutomaticApprovalRemovesTheCardOfAPendingRequest() throws {
        let approval = try pending()
        _ = reader.events(after: [approval])
        let consumed = try approvedAutomatically(approval, after: .seconds(20))
        let events = reader.events(after: [consumed])
        #expect(events.count == 2)
        #expect(events.first?.hasPrefix("event: tool.auto_approved\n") == true)
        #expect(events.last?.hasPrefix("event: tool.result\n") == true)
        #expect(events.last?.contains(#""callId":"\#(approval.id)""#) == true)
        #expect(reader.events(after: [consumed]).isEmpty)
    }

    @Test func aRequestThatNeverWaitedRemovesNoCard() throws {
        _ = reader.events(after: [])
        let events = reader.events(after: [try approvedAutomatically(try pending(), after: .zero)])
        #expect(events.map { $0.hasPrefix("event: tool.auto_approved\n") } == [true])
    }

    @Test func aReconnectedReaderGetsAnAutomaticApprovalOnlyIfTheRequestHadACard() throws {
        let waited = try approvedAutomatically(try pending(3000), after: .seconds(20))
        let immediate = try approvedAutomatically(try pending(3001), after: .zero)
        let events = reader.events(after: [waited, immediate])
        #expect(events.map { $0.hasPrefix("event: tool.result\n") } == [true])
        #expect(events.first?.contains(#""callId":"\#(waited.id)""#) == true)
    }

    @Test func aRequestThatDisappearsRemovesItsCard() throws {
        let approval = try pending()
        _ = reader.events(after: [approval])
        let events = reader.events(after: [])
        #expect(events.count == 1)
        #expect(events[0].hasPrefix("event: tool.error\n") && events[0].contains(approval.id.text))
    }

    @Test func aChildRunsRequestIsSentOnceWithTheCoreAPIsMembers() throws {
        let (first, second) = (try pending(3000), try pending(3001))
        let cards = reader.events.childRequestsChanged([first]).map { String(buffer: $0) }
        let expected = """
            event: coordinator.child_approval_required
            data: {"childRunId":"\(APIHarness.run)","message":"\(first.question)","requestId":"\(first.id)",\
            "toolName":"start_preview","url":"sandbox-preview:3000"}


            """
        #expect(cards == [expected])
        let further = reader.events.childRequestsChanged([first, second])
        #expect(further.count == 1)
        let none = reader.events.childRequestsChanged([second])
        #expect(none.isEmpty)
    }

    @Test func decisionsDuringAnAbsenceAreSentOnConnect() throws {
        let approval = try approved(try pending())
        #expect(reader.events(after: [approval]).map { $0.hasPrefix("event: tool.result\n") } == [true])
    }

    @Test func theEndOfAPreviewIsSentOnceWhoeverReportsIt() throws {
        let run = try RunID(APIHarness.run)
        let claim = ClaimIdentity(name: "agent-1", uid: "uid")
        func event(_ kind: TimelineEvent.Kind) -> TimelineEvent {
            TimelineEvent(kind, run: run, claim: claim, subject: "aabbccdd", message: "m", details: ["port": "3000"])
        }
        let stopped = reader.events.recorded(event(.stopped)).map { String(buffer: $0) }
        #expect(
            stopped == """
                event: preview.stopped
                data: {"message":"m","port":"3000","runId":"\(APIHarness.run)"}


                """
        )
        #expect(reader.events.recorded(event(.reaped)) == nil)
        #expect(reader.events.recorded(event(.approved)) == nil)
    }
}
