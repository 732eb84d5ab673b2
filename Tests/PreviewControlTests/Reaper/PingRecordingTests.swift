import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The time since which pings can be recorded", .timeLimit(.minutes(10)))
struct PingRecordingTests {
    private static let grace = Duration.seconds(150)

    /// A recording with contact since 0 whose grace is over.
    private func inContact() -> PingRecording {
        var recording = PingRecording(grace: Self.grace, usualInterval: .seconds(60), idleTimeout: .seconds(1800))
        for second in stride(from: 0, through: 180, by: 60) { recording.recordResponse(at: .seconds(second)) }
        return recording
    }

    private func counts(_ recording: PingRecording, at second: Int) -> Bool {
        recording.timeUntilIdlenessCounts(at: .seconds(second)) == .zero
    }

    @Test func afterTheStartIdlenessCountsOnceTheGraceIsOver() {
        var recording = PingRecording(grace: Self.grace, usualInterval: .seconds(60), idleTimeout: .seconds(1800))
        #expect(!counts(recording, at: 1000))
        #expect(recording.hasUnresolvedFailure)
        recording.recordResponse(at: .seconds(1000))
        #expect(!recording.hasUnresolvedFailure)
        recording.recordResponse(at: .seconds(1060))
        recording.recordResponse(at: .seconds(1120))
        #expect(recording.timeUntilIdlenessCounts(at: .seconds(1149)) == .seconds(1))
        #expect(counts(recording, at: 1150))
    }

    @Test func afterTheServersClockWasSetIdlenessCountsOnceTheGraceIsOver() {
        var recording = inContact()
        #expect(counts(recording, at: 200))
        recording.recordClockStep(at: .seconds(200))
        recording.recordResponse(at: .seconds(240))
        recording.recordResponse(at: .seconds(300))
        #expect(recording.timeUntilIdlenessCounts(at: .seconds(349)) == .seconds(1))
        #expect(counts(recording, at: 350))
    }

    @Test(arguments: [(61, false), (60, true)])
    func onlyWhatLastsForMoreThanAMinuteIsAnOutage(length: Int, counts: Bool) {
        var recording = inContact()
        for second in stride(from: 200, to: 200 + length, by: 5) { recording.recordFailure(sentAt: .seconds(second)) }
        recording.recordResponse(at: .seconds(200 + length))
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
        let begin = PingRecording(grace: Self.grace, usualInterval: .seconds(5), idleTimeout: .seconds(idle))
        var recording = begin
        for second in 0...200 { recording.recordResponse(at: .seconds(second)) }
        recording.recordFailure(sentAt: .seconds(200))
        #expect(counts(recording, at: 200 + gap))
        #expect(!counts(recording, at: 201 + gap))
        // Silence is judged in the same way.
        recording = begin
        for second in 0...200 { recording.recordResponse(at: .seconds(second)) }
        #expect(counts(recording, at: 205 + gap))
        #expect(!counts(recording, at: 206 + gap))
    }

    @Test func duringAnOutageIdlenessDoesNotCountHoweverLongItLasts() {
        var recording = inContact()
        recording.recordFailure(sentAt: .seconds(200))
        #expect(counts(recording, at: 260))
        #expect(!counts(recording, at: 261))
        #expect(recording.isInOutage(at: .seconds(261)))
        #expect(recording.timeUntilIdlenessCounts(at: .seconds(5000)) == Self.grace)
    }

    @Test func occasionalFailuresAreNoOutage() {
        var recording = inContact()
        for second in stride(from: 200, to: 4000, by: 20) {
            recording.recordFailure(sentAt: .seconds(second))
            recording.recordResponse(at: .seconds(second + 10))
            #expect(counts(recording, at: second + 10))
        }
    }

    @Test func responsesDuringAHangingRequestStillCount() {
        var recording = inContact()
        recording.recordResponse(at: .seconds(240))
        recording.recordFailure(sentAt: .seconds(190))
        #expect(counts(recording, at: 290))
    }

    @Test func anOutageBeginsWithTheBrokenWatchOnceARequestFailsToo() {
        var recording = inContact()
        recording.recordSuspectedFailure(at: .seconds(185))
        #expect(recording.hasUnresolvedFailure)
        #expect(counts(recording, at: 239))
        recording.recordFailure(sentAt: .seconds(240))
        #expect(!counts(recording, at: 250))
        // A watch breaks for many reasons. Alone it does not mean an outage.
        var quiet = inContact()
        quiet.recordSuspectedFailure(at: .seconds(185))
        #expect(counts(quiet, at: 300))
        quiet.recordResponse(at: .seconds(240))
        quiet.recordFailure(sentAt: .seconds(241))
        #expect(counts(quiet, at: 299))
    }

    @Test func muchMoreThanTheUsualTimeWithoutAResponseIsAnOutage() {
        let recording = inContact()
        #expect(counts(recording, at: 300))
        #expect(!counts(recording, at: 301))
        var resumed = recording
        resumed.recordResponse(at: .seconds(2600))
        #expect(!counts(resumed, at: 2700))
        resumed.recordResponse(at: .seconds(2660))
        resumed.recordResponse(at: .seconds(2720))
        #expect(counts(resumed, at: 2750))
    }

    @Test func aLostPingCountsForItsPreviewWhateverElseIsAnswered() throws {
        let (token, other) = (try #require(PreviewToken("pinged")), try #require(PreviewToken("other")))
        var recording = inContact()
        recording.recordLostPing(of: token, at: .seconds(190))
        for second in [191, 240, 300] {
            recording.recordResponse(at: .seconds(second))
            #expect(recording.timeUntilIdlenessCounts(of: token, at: .seconds(second)) == .seconds(340 - second))
            #expect(recording.timeUntilIdlenessCounts(of: other, at: .seconds(second)) == .zero)
            #expect(counts(recording, at: second))
        }
        #expect(recording.timeUntilIdlenessCounts(of: token, at: .seconds(340)) == .zero)
        // Then the lost ping is forgotten.
        recording.recordResponse(at: .seconds(341))
        var fresh = inContact()
        for second in [240, 300, 341] { fresh.recordResponse(at: .seconds(second)) }
        #expect(recording == fresh)
    }

    @Test func withoutAGraceIdlenessCountsWhileTheAPIServerAnswers() {
        var recording = PingRecording(grace: .zero, usualInterval: .seconds(60), idleTimeout: .seconds(1800))
        #expect(recording.timeUntilIdlenessCounts(at: .zero) == PingRecording.shortestRecheck)
        recording.recordResponse(at: .zero)
        #expect(counts(recording, at: 0))
    }

    // MARK: Many outages

    /// Two replicas, each of which knows only its own contact, and a viewer whose pings go to either. A ping that is
    /// sent during an outage hangs for as long as a caller waits.
    @Test(arguments: 0..<60)
    func aPingedPreviewIsNeverDueWhateverTheOutages(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        func number(in range: ClosedRange<Int>) -> Int {
            range.lowerBound + Int(random.next() % UInt64(range.count))
        }
        let idle = [30, 60, 240, 1800][seed % 4]
        let longestWait = Int(ResponseDeadline.limit / .seconds(1))
        // Two intervals and a wait are less than half of the idle time-out (Docs/Reaper.md).
        let (pingInterval, sweepInterval) = (min((idle / 2 - longestWait) / 2 - 1, 60), min(idle / 4, 60))
        var policy = PreviewPolicy.testing(sweepInterval: .seconds(sweepInterval))
        policy.lifetime = LifetimePolicy(idleTimeout: .seconds(idle))
        let recording = PingRecording(
            grace: policy.shortestOutageGrace,
            usualInterval: policy.sweepInterval,
            idleTimeout: .seconds(idle)
        )
        var replicas = [recording, recording]
        // At least one ping succeeds between two outages.
        let shortestContact = longestWait + 2 * pingInterval
        var (isInOutage, nextChange) = (false, number(in: shortestContact...(2 * idle)))
        var (expiry, nextPing) = (idle, 0)
        var hangingPing: (replica: Int, sent: Int)?
        for second in 0..<(12 * idle) {
            if second == nextChange {
                isInOutage.toggle()
                nextChange = second + number(in: (isInOutage ? 1 : shortestContact)...(2 * idle))
            }
            for index in replicas.indices where (second + index).isMultiple(of: sweepInterval) {
                if isInOutage {
                    replicas[index].recordFailure(sentAt: .seconds(second))
                } else {
                    replicas[index].recordResponse(at: .seconds(second))
                }
            }
            if let ping = hangingPing, second >= ping.sent + longestWait {
                replicas[ping.replica].recordFailure(sentAt: .seconds(ping.sent))
                hangingPing = nil
            }
            if hangingPing == nil, second >= nextPing {
                nextPing = second + pingInterval
                let index = number(in: 0...1)
                if isInOutage {
                    hangingPing = (index, second)
                } else {
                    #expect(second < expiry || !counts(replicas[index], at: second), "refused at \(second)")
                    replicas[index].recordResponse(at: .seconds(second))
                    expiry = second + idle
                }
            }
            for recording in replicas where second >= expiry {
                #expect(!counts(recording, at: second), "reaped at \(second), idle time-out \(idle)")
            }
        }
    }
}
