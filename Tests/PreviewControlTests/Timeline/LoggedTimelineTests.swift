import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Decisions in the log", .timeLimit(.minutes(10)))
struct LoggedTimelineTests {
    private let log = RecordedLog()
    private let next = RecordingTimeline()
    private let clock = ManualClock()

    private func event(_ kind: TimelineEvent.Kind, subject: String = "k7m2q4x3") throws -> TimelineEvent {
        TimelineEvent(
            kind,
            run: try RunID("3f2a9c1e-0000-4000-8000-000000000001"),
            claim: ClaimIdentity(name: "agent-3f2a9c1e0000", uid: "uid"),
            subject: subject,
            message: "words for people",
            details: [
                "displayId": "k7m2q4x3", "url": "sandbox-preview:3000", "requester": "agent", "decidedBy": "ada",
                "requestId": "k7m2q4x3n5b3r6t5w2zac2d4f7",
            ]
        )
    }

    @Test(arguments: [
        (TimelineEvent.Kind.approvalRequired, "a preview waits for approval"),
        (.autoApproved, "a preview was approved automatically"), (.approved, "a preview was approved"),
        (.denied, "a preview was denied"), (.timedOut, "a request for approval was not decided in time"),
        (.withdrawn, "a request for approval was withdrawn"),
    ])
    func aDecisionIsLoggedInOneLineWithRunRequestAndUser(kind: TimelineEvent.Kind, message: String) throws {
        let timeline = LoggedTimeline(next, time: MonotonicTime(clock), logger: log.logger)
        timeline.record(try event(kind))
        timeline.record(try event(kind))
        #expect(log.messages == [message])
        for part in ["3f2a9c1e-0000-4000-8000-000000000001", "k7m2q4x3", "sandbox-preview:3000", "ada"] {
            #expect(log.texts[0].contains(part))
        }
        #expect(next.events.count == 2)
    }

    @Test func eventsThatAreLoggedElsewhereAreOnlyForwarded() throws {
        let timeline = LoggedTimeline(next, time: MonotonicTime(clock), logger: log.logger)
        for kind in [TimelineEvent.Kind.started, .expiring, .stopped, .reaped] { timeline.record(try event(kind)) }
        #expect(log.messages.isEmpty)
        #expect(next.events.count == 4)
    }
}
