import PreviewDomain
import Testing

@testable import PreviewControl

@Suite("Since when pings can be recorded", .timeLimit(.minutes(10)))
struct PingRecordingTests {
    private static let grace = Duration.seconds(150)

    /// In contact since 0, and past the grace time.
    private func inContact() -> PingRecording {
        var recording = PingRecording(grace: Self.grace, usualSilence: .seconds(60))
        for second in stride(from: 0, through: 180, by: 60) { recording.answered(at: .seconds(second)) }
        return recording
    }

    private func counts(_ recording: PingRecording, at second: Int) -> Bool {
        recording.timeUntilIdlenessCounts(at: .seconds(second)) == .zero
    }

    @Test func afterTheStartIdlenessCountsOnceTheGraceIsOver() {
        var recording = PingRecording(grace: Self.grace, usualSilence: .seconds(60))
        #expect(!counts(recording, at: 1000))
        #expect(recording.isInDoubt)
        recording.answered(at: .seconds(1000))
        #expect(!recording.isInDoubt)
        recording.answered(at: .seconds(1060))
        recording.answered(at: .seconds(1120))
        #expect(recording.timeUntilIdlenessCounts(at: .seconds(1149)) == .seconds(1))
        #expect(counts(recording, at: 1150))
    }

    @Test(arguments: [(61, false), (60, true)])
    func onlyWhatLastsForMoreThanAMinuteIsAnOutage(length: Int, counts: Bool) {
        var recording = inContact()
        for second in stride(from: 200, to: 200 + length, by: 5) { recording.failed(sentAt: .seconds(second)) }
        recording.answered(at: .seconds(200 + length))
        #expect(self.counts(recording, at: 200 + length) == counts)
        if !counts {
            #expect(
                recording.timeUntilIdlenessCounts(at: .seconds(200 + length + 100)) == Self.grace - .seconds(100)
            )
        }
    }

    @Test func duringAnOutageIdlenessDoesNotCountHoweverLongItLasts() {
        var recording = inContact()
        recording.failed(sentAt: .seconds(200))
        #expect(counts(recording, at: 260))
        #expect(!counts(recording, at: 261))
        #expect(recording.isAway(at: .seconds(261)))
        #expect(recording.timeUntilIdlenessCounts(at: .seconds(5000)) == Self.grace)
    }

    @Test func aFailureNowAndThenIsNoOutage() {
        var recording = inContact()
        for second in stride(from: 200, to: 4000, by: 20) {
            recording.failed(sentAt: .seconds(second))
            recording.answered(at: .seconds(second + 10))
            #expect(counts(recording, at: second + 10))
        }
    }

    @Test func whatWasAnsweredWhileARequestHungCountsNoneTheLess() {
        var recording = inContact()
        recording.answered(at: .seconds(240))
        recording.failed(sentAt: .seconds(190))
        #expect(counts(recording, at: 290))
    }

    @Test func aWatchThatBrokeDatesTheOutageOnceARequestFailsToo() {
        var recording = inContact()
        recording.doubted(at: .seconds(185))
        #expect(recording.isInDoubt)
        #expect(counts(recording, at: 239))
        recording.failed(sentAt: .seconds(240))
        #expect(!counts(recording, at: 250))
        // A watch breaks for many reasons. Alone it says nothing.
        var quiet = inContact()
        quiet.doubted(at: .seconds(185))
        #expect(counts(quiet, at: 300))
        quiet.answered(at: .seconds(240))
        quiet.failed(sentAt: .seconds(241))
        #expect(counts(quiet, at: 299))
    }

    @Test func whoHearsNothingForMuchLongerThanUsualWasAway() {
        let recording = inContact()
        #expect(counts(recording, at: 300))
        #expect(!counts(recording, at: 301))
        var resumed = recording
        resumed.answered(at: .seconds(2600))
        #expect(!counts(resumed, at: 2700))
        resumed.answered(at: .seconds(2660))
        resumed.answered(at: .seconds(2720))
        #expect(counts(resumed, at: 2750))
    }

    @Test func aLostPingCountsForItsPreviewWhateverElseIsAnswered() throws {
        let (token, other) = (try #require(PreviewToken("pinged")), try #require(PreviewToken("other")))
        var recording = inContact()
        recording.lostPing(of: token, at: .seconds(190))
        for second in [191, 240, 300] {
            recording.answered(at: .seconds(second))
            #expect(recording.timeUntilIdlenessCounts(of: token, at: .seconds(second)) == .seconds(340 - second))
            #expect(recording.timeUntilIdlenessCounts(of: other, at: .seconds(second)) == .zero)
            #expect(counts(recording, at: second))
        }
        #expect(recording.timeUntilIdlenessCounts(of: token, at: .seconds(340)) == .zero)
        // And then it is forgotten.
        recording.answered(at: .seconds(341))
        var fresh = inContact()
        for second in [240, 300, 341] { fresh.answered(at: .seconds(second)) }
        #expect(recording == fresh)
    }

    @Test func withoutAGraceIdlenessCountsWhileTheAPIServerAnswers() {
        var recording = PingRecording(grace: .zero, usualSilence: .seconds(60))
        #expect(recording.timeUntilIdlenessCounts(at: .zero) == PingRecording.shortestRecheck)
        recording.answered(at: .zero)
        #expect(counts(recording, at: 0))
    }
}
