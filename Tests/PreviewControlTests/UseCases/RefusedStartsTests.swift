import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Refused starts in the log", .timeLimit(.minutes(10)))
struct RefusedStartsTests {
    private let log = RecordedLog()
    private let clock = ManualClock()
    private let run = RunID.sample

    @Test func theReasonIsSaidOnceAMinuteWithTheNumberOfRepeats() {
        let refused = RefusedStarts(time: MonotonicTime(clock), logger: log.logger)
        let error = PreviewError(.limitReached, "This run has reached its limit of 3 previews.")
        for _ in 0..<5 { refused.record(error, run: run, port: 3000, requester: "ada") }
        refused.record(PreviewError(.noSandbox, "No sandbox."), run: run, port: 3000, requester: "ada")
        #expect(log.messages == ["a start was refused", "a start was refused"])
        #expect(log.texts[0].contains("limit_reached") && log.texts[0].contains("\(run)"))
        clock.advance(by: .seconds(60))
        refused.record(error, run: run, port: 3000, requester: "ada")
        #expect(log.lines.count == 3 && log.lines[2].metadata["held_back"] == "4")
    }

    @Test func aCallerWhoLeftWasRefusedNothing() {
        let refused = RefusedStarts(time: MonotonicTime(clock), logger: log.logger)
        refused.record(.cancelled, run: run, port: 3000, requester: "ada")
        #expect(log.messages.isEmpty)
    }
}
