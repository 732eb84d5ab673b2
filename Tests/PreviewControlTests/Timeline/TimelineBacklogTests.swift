import FoundationEssentials
import PreviewDomain
import Testing

@testable import PreviewControl

@Suite("The timeline's backlog", .timeLimit(.minutes(10)))
struct TimelineBacklogTests {
    private func entry(
        _ kind: TimelineEvent.Kind,
        _ subject: String,
        claim: String = "claim-1",
        run: RunID = ControlHarness.run
    ) -> TimelineEntry {
        TimelineEntry(
            TimelineEvent(
                kind,
                run: run,
                claim: ClaimIdentity(name: "agent-3f2a9c1e0000", uid: claim),
                subject: subject,
                message: "Something happened."
            ),
            at: Date(timeIntervalSince1970: 0)
        )
    }

    private func written(_ backlog: inout TimelineBacklog, at now: Duration = .zero) -> TimelineBacklog.Waiting? {
        guard case .write(let waiting) = backlog.next(at: now) else { return nil }
        return waiting
    }

    private func pause(_ backlog: inout TimelineBacklog, at now: Duration) -> Duration? {
        guard case .pause(let pause) = backlog.next(at: now) else { return nil }
        return pause
    }

    private func run(_ number: Int) throws -> RunID { try RunID("run-\(number)") }

    /// The failure of the attempt to write `waiting`.
    @discardableResult
    private func fail(
        _ waiting: TimelineBacklog.Waiting,
        in backlog: inout TimelineBacklog,
        at now: Duration = .zero
    ) -> Bool {
        backlog.requeue(waiting, at: now, retryAfter: nil, jitter: 1)
    }

    /// Lets every attempt fail until an attempt after `end` has failed.
    ///
    /// - Returns: The number of attempts.
    @discardableResult
    private func failEveryAttempt(
        in backlog: inout TimelineBacklog,
        at now: inout Duration,
        until end: Duration
    ) throws -> Int {
        var attempts = 0
        while true {
            switch backlog.next(at: now) {
            case .write(let waiting):
                attempts += 1
                fail(waiting, in: &backlog, at: now)
                if now > end { return attempts }
            case .pause(let pause): now += pause
            case .nothing: throw Unexpected()
            }
        }
    }

    private func isKnown(_ arrival: TimelineBacklog.Arrival) -> Bool {
        if case .duplicate = arrival { true } else { false }
    }

    @Test func eventsCausedByPeopleComeFirst() {
        var backlog = TimelineBacklog()
        _ = backlog.add(entry(.reaped, "1"), at: .zero)
        _ = backlog.add(entry(.expiring, "2"), at: .zero)
        _ = backlog.add(entry(.approvalRequired, "3"), at: .zero)
        _ = backlog.add(entry(.started, "4"), at: .zero)
        var order: [String] = []
        while let waiting = written(&backlog) { order.append(waiting.entry.event.subject) }
        #expect(order == ["3", "4", "1", "2"])
    }

    /// The second report of an end adds nothing, also within one replica.
    @Test func anOccurrenceWaitsOnlyOnce() throws {
        var backlog = TimelineBacklog()
        let arrivals = [
            isKnown(backlog.add(entry(.reaped, "1"), at: .zero)),
            isKnown(backlog.add(entry(.stopped, "1"), at: .zero)),
            isKnown(backlog.add(entry(.stopped, "1", claim: "claim-2"), at: .zero)),
        ]
        #expect(arrivals == [false, true, false])
        let first = try #require(written(&backlog))
        #expect(first.entry.event.kind == .reaped)
        let whileItIsWritten = isKnown(backlog.add(entry(.reaped, "1"), at: .zero))
        let waitsAgain = fail(first, in: &backlog)
        let whileItWaitsAgain = isKnown(backlog.add(entry(.reaped, "1"), at: .zero))
        #expect(whileItIsWritten && waitsAgain && whileItWaitsAgain)
        backlog.recordSuccess(of: try #require(written(&backlog, at: TimelineBacklog.firstPause)))
        let afterwards = isKnown(backlog.add(entry(.reaped, "1"), at: .zero))
        #expect(!afterwards)
    }

    @Test func eventsCausedByTimeAreLimitedInRateAfterABurst() throws {
        var backlog = TimelineBacklog()
        let count = TimelineBacklog.bulkBurst * 3
        for number in 0..<count { _ = backlog.add(entry(.reaped, "\(number)"), at: .zero) }
        var now = Duration.seconds(1000)
        var atOnce = 0
        while written(&backlog, at: now) != nil { atOnce += 1 }
        #expect(atOnce == TimelineBacklog.bulkBurst)
        guard case .pause(let pause) = backlog.next(at: now) else { throw Unexpected() }
        #expect(pause == TimelineBacklog.bulkInterval)
        now += pause * 5
        atOnce = 0
        while written(&backlog, at: now) != nil { atOnce += 1 }
        #expect(atOnce == 5)
        // Unused time adds up to one burst at most.
        now += .seconds(100)
        atOnce = 0
        while written(&backlog, at: now) != nil { atOnce += 1 }
        #expect(atOnce == TimelineBacklog.bulkBurst)
    }

    @Test func aFullQueueLosesItsOldestEntryAndTheOtherQueueNothing() throws {
        var backlog = TimelineBacklog()
        _ = backlog.add(entry(.started, "person"), at: .zero)
        for number in 0..<TimelineBacklog.bulkCapacity { _ = backlog.add(entry(.reaped, "\(number)"), at: .zero) }
        guard case .displaced(let oldest) = backlog.add(entry(.reaped, "one more"), at: .zero) else {
            throw Unexpected()
        }
        #expect(oldest.entry.event.subject == "0")
        let left = [backlog.takeFirst(), backlog.takeFirst()].map { $0?.entry.event.subject }
        #expect(left == ["person", "1"])
    }

    // MARK: Failures

    @Test func theEntriesOfARunThatFailsWaitInTheirOrderAndThoseOfOthersDoNot() throws {
        var backlog = TimelineBacklog()
        for subject in 1...3 { _ = backlog.add(entry(.started, "failing \(subject)"), at: .zero) }
        fail(try #require(written(&backlog)), in: &backlog)
        _ = backlog.add(entry(.reaped, "another's end", run: try run(1)), at: .zero)
        _ = backlog.add(entry(.started, "another's start", run: try run(1)), at: .zero)
        var order: [String] = []
        while let waiting = written(&backlog) {
            order.append(waiting.entry.event.subject)
            backlog.recordSuccess(of: waiting)
        }
        #expect(order == ["another's start", "another's end"])
        #expect(pause(&backlog, at: .zero) == TimelineBacklog.firstPause)
        let now = TimelineBacklog.firstPause
        while let waiting = written(&backlog, at: now) {
            order.append(waiting.entry.event.subject)
            backlog.recordSuccess(of: waiting)
        }
        #expect(order.suffix(3) == ["failing 1", "failing 2", "failing 3"])
    }

    /// The pauses of a run that fails continue to grow while others succeed.
    @Test func theSuccessOfOthersDoesNotShortenThePausesOfARunThatFails() throws {
        var backlog = TimelineBacklog()
        var now = Duration.zero
        var pauses: [Duration] = []
        _ = backlog.add(entry(.started, "failing"), at: now)
        for number in 1...10 {
            fail(try #require(written(&backlog, at: now)), in: &backlog, at: now)
            _ = backlog.add(entry(.started, "\(number)", run: try run(number)), at: now)
            backlog.recordSuccess(of: try #require(written(&backlog, at: now)))
            pauses.append(try #require(pause(&backlog, at: now)))
            now += pauses[number - 1]
        }
        #expect(pauses.prefix(4) == [.milliseconds(200), .milliseconds(400), .milliseconds(800), .milliseconds(1600)])
        #expect(pauses.last == TimelineBacklog.longestPause)
    }

    @Test func aSinkThatIsDownGetsNoMoreAttemptsWithManyRunsThanWithOneExceptForOne() throws {
        func attempts(runs: Int) throws -> Int {
            var backlog = TimelineBacklog()
            var now = Duration.zero
            for number in 1...runs { _ = backlog.add(entry(.started, "\(number)", run: try run(number)), at: now) }
            return try failEveryAttempt(in: &backlog, at: &now, until: .seconds(600))
        }
        let one = try attempts(runs: 1)
        #expect(try attempts(runs: 2) <= one + 1)
        #expect(try attempts(runs: 500) <= one + 1)
    }

    @Test func runsThatAlwaysFailDelayAnotherByOnePauseAtMost() throws {
        var backlog = TimelineBacklog()
        var now = Duration.zero
        for number in 1...2 { _ = backlog.add(entry(.started, "\(number)", run: try run(number)), at: now) }
        try failEveryAttempt(in: &backlog, at: &now, until: .seconds(300))
        _ = backlog.add(entry(.started, "3", run: try run(3)), at: now)
        let delay = try #require(pause(&backlog, at: now))
        #expect(delay == TimelineBacklog.longestPause)
        let waiting = try #require(written(&backlog, at: now + delay))
        #expect(waiting.entry.event.subject == "3")
        backlog.recordSuccess(of: waiting)
        _ = backlog.add(entry(.started, "4", run: try run(4)), at: now + delay)
        #expect(written(&backlog, at: now + delay)?.entry.event.subject == "4")
    }

    @Test func onlyEntriesThatFailuresKeepWaitingExpire() throws {
        var backlog = TimelineBacklog()
        for number in 1...3 { _ = backlog.add(entry(.started, "\(number)", run: try run(number)), at: .zero) }
        _ = backlog.add(entry(.started, "later", run: try run(1)), at: .seconds(1))
        let now = Duration.seconds(900)
        fail(try #require(written(&backlog, at: now)), in: &backlog, at: now)
        let first = backlog.takeExpired(since: .zero).map(\.entry.event.subject)
        #expect(first == ["1"])
        // With a second run the sink counts as down.
        fail(try #require(written(&backlog, at: now)), in: &backlog, at: now)
        let others = backlog.takeExpired(since: .zero).map(\.entry.event.subject)
        #expect(others == ["2", "3"])
    }

    @Test func aRunWhoseFailedEntryWasDroppedStartsAnew() throws {
        var backlog = TimelineBacklog()
        _ = backlog.add(entry(.started, "1"), at: .zero)
        fail(try #require(written(&backlog)), in: &backlog)
        for dropped in backlog.takeExpired(since: .zero) { backlog.remove(dropped) }
        _ = backlog.add(entry(.started, "2"), at: .zero)
        #expect(written(&backlog)?.entry.event.subject == "2")
    }

    private struct Unexpected: Error {}
}
