import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The time since which pings can be recorded", .timeLimit(.minutes(10)))
struct PingRecordingTests {
    private static let grace = Duration.seconds(150)

    /// A recording with contact since 0 whose grace is over.
    private func inContact() -> PingRecording {
        var recording = PingRecording(grace: Self.grace, usualSilence: .seconds(60), idleTimeout: .seconds(1800))
        for second in stride(from: 0, through: 180, by: 60) { recording.answered(at: .seconds(second)) }
        return recording
    }

    private func counts(_ recording: PingRecording, at second: Int) -> Bool {
        recording.timeUntilIdlenessCounts(at: .seconds(second)) == .zero
    }

    @Test func afterTheStartIdlenessCountsOnceTheGraceIsOver() {
        var recording = PingRecording(grace: Self.grace, usualSilence: .seconds(60), idleTimeout: .seconds(1800))
        #expect(!counts(recording, at: 1000))
        #expect(recording.isInDoubt)
        recording.answered(at: .seconds(1000))
        #expect(!recording.isInDoubt)
        recording.answered(at: .seconds(1060))
        recording.answered(at: .seconds(1120))
        #expect(recording.timeUntilIdlenessCounts(at: .seconds(1149)) == .seconds(1))
        #expect(counts(recording, at: 1150))
    }

    @Test func afterTheServersClockWasSetIdlenessCountsOnceTheGraceIsOver() {
        var recording = inContact()
        #expect(counts(recording, at: 200))
        recording.clockWasSet(at: .seconds(200))
        recording.answered(at: .seconds(240))
        recording.answered(at: .seconds(300))
        #expect(recording.timeUntilIdlenessCounts(at: .seconds(349)) == .seconds(1))
        #expect(counts(recording, at: 350))
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

    @Test(
        "A quarter of a short idle time-out without an answer is an outage, and less than 3 s never is",
        arguments: [(1800, 60), (240, 60), (120, 30), (60, 15), (12, 3), (1, 3)]
    )
    func aQuarterOfAShortIdleTimeoutIsAnOutage(idle: Int, gap: Int) {
        let begin = PingRecording(grace: Self.grace, usualSilence: .seconds(5), idleTimeout: .seconds(idle))
        var recording = begin
        for second in 0...200 { recording.answered(at: .seconds(second)) }
        recording.failed(sentAt: .seconds(200))
        #expect(counts(recording, at: 200 + gap))
        #expect(!counts(recording, at: 201 + gap))
        // Silence is judged in the same way.
        recording = begin
        for second in 0...200 { recording.answered(at: .seconds(second)) }
        #expect(counts(recording, at: 205 + gap))
        #expect(!counts(recording, at: 206 + gap))
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
        // A watch breaks for many reasons. Alone it does not mean an outage.
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
        // Then the lost ping is forgotten.
        recording.answered(at: .seconds(341))
        var fresh = inContact()
        for second in [240, 300, 341] { fresh.answered(at: .seconds(second)) }
        #expect(recording == fresh)
    }

    @Test func withoutAGraceIdlenessCountsWhileTheAPIServerAnswers() {
        var recording = PingRecording(grace: .zero, usualSilence: .seconds(60), idleTimeout: .seconds(1800))
        #expect(recording.timeUntilIdlenessCounts(at: .zero) == PingRecording.shortestRecheck)
        recording.answered(at: .zero)
        #expect(counts(recording, at: 0))
    }

    // MARK: Many outages

    /// Two replicas, each of which knows only its own contact, and a viewer whose pings go to either. A ping that is
    /// sent during an outage hangs for as long as a caller waits.
    @Test(arguments: 0..<60)
    func whatIsPingedIsNeverDueHoweverOutagesFall(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        func number(in range: ClosedRange<Int>) -> Int {
            range.lowerBound + Int(random.next() % UInt64(range.count))
        }
        let idle = [30, 60, 240, 1800][seed % 4]
        let longestWait = Int(AnswerDeadline.limit / .seconds(1))
        // Two intervals and a wait are less than half of the idle time-out (Docs/Reaper.md).
        let (pingInterval, sweepInterval) = (min((idle / 2 - longestWait) / 2 - 1, 60), min(idle / 4, 60))
        var policy = PreviewPolicy.testing(sweepInterval: .seconds(sweepInterval))
        policy.lifetime = LifetimePolicy(idleTimeout: .seconds(idle))
        let recording = PingRecording(
            grace: policy.shortestOutageGrace,
            usualSilence: policy.sweepInterval,
            idleTimeout: .seconds(idle)
        )
        var replicas = [recording, recording]
        // At least one ping succeeds between two outages.
        let shortestContact = longestWait + 2 * pingInterval
        var (isAway, nextChange) = (false, number(in: shortestContact...(2 * idle)))
        var (expiry, nextPing) = (idle, 0)
        var hangingPing: (replica: Int, sent: Int)?
        for second in 0..<(12 * idle) {
            if second == nextChange {
                isAway.toggle()
                nextChange = second + number(in: (isAway ? 1 : shortestContact)...(2 * idle))
            }
            for index in replicas.indices where (second + index).isMultiple(of: sweepInterval) {
                if isAway {
                    replicas[index].failed(sentAt: .seconds(second))
                } else {
                    replicas[index].answered(at: .seconds(second))
                }
            }
            if let ping = hangingPing, second >= ping.sent + longestWait {
                replicas[ping.replica].failed(sentAt: .seconds(ping.sent))
                hangingPing = nil
            }
            if hangingPing == nil, second >= nextPing {
                nextPing = second + pingInterval
                let index = number(in: 0...1)
                if isAway {
                    hangingPing = (index, second)
                } else {
                    #expect(second < expiry || !counts(replicas[index], at: second), "refused at \(second)")
                    replicas[index].answered(at: .seconds(second))
                    expiry = second + idle
                }
            }
            for recording in replicas where second >= expiry {
                #expect(!counts(recording, at: second), "reaped at \(second), idle time-out \(idle)")
            }
        }
    }
}
