import TestSupport
import Testing

@testable import KubernetesClient

/// Several API servers behind one address, some of which report a wrong time.
@Suite("ServerTimeBounds where servers disagree", .timeLimit(.minutes(10)))
struct ServerTimeBoundsTests {
    private static let ahead = 35.0 * 60

    /// A cluster and one replica's view of it, on a local clock that starts at zero.
    private struct Fixture {
        var bounds = ServerTimeBounds()
        var now = 0.0
        /// How far each server's clock is ahead of the true time.
        var offsets = [0.0]
        static let epoch = 1_700_000_000.5

        /// The true time.
        var truth: Double { Self.epoch + now }

        mutating func observe(_ server: Int = 0, own: Bool) {
            let sent = now
            now += 0.01
            bounds.observe(
                date: (truth + offsets[server]).rounded(.down),
                sent: sent,
                received: now,
                isOwnConnection: own
            )
        }

        /// Votes like the time keeper: as long as a vote is needed, some seconds apart.
        mutating func vote(for seconds: Double, by server: () -> Int) {
            let end = now + seconds
            while now < end {
                if bounds.needsVote(at: now) { observe(server(), own: true) }
                now += 4
            }
        }

        mutating func establish() {
            for _ in 0..<ServerTimeBounds.decidingVotes { observe(own: true) }
        }

        /// The distance of the interval from the true time; zero if the interval contains it.
        var error: Double {
            guard let range = bounds.range(at: now) else { return .infinity }
            if range.contains(truth) { return 0 }
            return truth < range.lowerBound ? range.lowerBound - truth : range.upperBound - truth
        }

        var width: Double { bounds.range(at: now).map { $0.upperBound - $0.lowerBound } ?? .infinity }
    }

    @Test("A jump that the monotonic clock contradicts changes nothing at first", arguments: [ahead, -ahead])
    func aJumpThatTheMonotonicClockContradictsChangesNothingAtFirst(jump: Double) throws {
        var fixture = Fixture()
        fixture.establish()
        #expect(fixture.bounds.contradiction(at: fixture.now) == nil && !fixture.bounds.needsVote(at: fixture.now))
        fixture.offsets = [jump]
        for _ in 0..<100 {
            fixture.observe(own: false)
            fixture.now += 0.5
            #expect(fixture.error == 0)
        }
        let contradiction = try #require(fixture.bounds.contradiction(at: fixture.now))
        #expect(abs(contradiction - jump) < 3)
        #expect(fixture.bounds.needsVote(at: fixture.now))
    }

    @Test(
        "A clock that was set is followed within two minutes, once separate connections confirm it",
        arguments: [ahead, -ahead]
    )
    func aSetClockIsFollowed(jump: Double) {
        var fixture = Fixture()
        fixture.establish()
        fixture.now = 1000
        fixture.offsets = [jump]
        fixture.observe(own: false)
        let before = fixture.now
        fixture.vote(for: ServerTimeBounds.confirmationTime - 8) { 0 }
        #expect(fixture.error == 0, "not before the time of confirmation")
        #expect(fixture.bounds.steps == 0)
        fixture.vote(for: 120) { 0 }
        #expect(fixture.bounds.steps == 1)
        #expect(abs(abs(fixture.error) - abs(jump)) < 2, "the server's new time is the one that counts")
        #expect(fixture.now - before < 200)
        // The old time is forgotten after a while, and with it the contradiction.
        fixture.now += ServerTimeBounds.candidateLifetime + 1
        fixture.observe(own: false)
        #expect(fixture.bounds.contradiction(at: fixture.now) == nil && !fixture.bounds.needsVote(at: fixture.now))
    }

    @Test("The responses of one connection alone confirm nothing, however many there are")
    func oneConnectionConfirmsNothing() {
        var fixture = Fixture()
        fixture.establish()
        fixture.offsets = [Self.ahead]
        for _ in 0..<2000 {
            fixture.observe(own: false)
            fixture.now += 1
        }
        #expect(fixture.error == 0)
    }

    @Test("Of three servers, one of them ahead or behind, the true time is kept for a day", arguments: 0..<20)
    func oneWrongServerOfThreeDoesNotChangeTheTime(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        var fixture = Fixture()
        fixture.establish()
        fixture.offsets = [0, seed % 2 == 0 ? Self.ahead : -Self.ahead, 0.2]
        var connection = 0
        for minute in 0..<(24 * 60) {
            // The connection in use sometimes moves to another server, and has many responses meanwhile.
            if minute % 7 == 0 { connection = Int(random.next() % 3) }
            for _ in 0..<3 { fixture.observe(connection, own: false) }
            fixture.vote(for: 60) { Int(random.next() % 3) }
            #expect(abs(fixture.error) < 0.5)
            #expect(fixture.width < 5)
        }
    }

    @Test("Answers that alternate between three servers keep the true time too")
    func responsesThatAlternateBetweenServersKeepTheTrueTime() {
        var fixture = Fixture()
        fixture.offsets = [0, Self.ahead, 0]
        fixture.establish()
        for index in 0..<10_000 {
            fixture.observe(index % 3, own: index % 2 == 0)
            fixture.now += 1
            #expect(fixture.error == 0)
        }
    }

    @Test("A replica that reaches the wrong server first relies on neither until votes decide", arguments: 0..<50)
    func noServerIsReliedOnUntilVotesDecide(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        var fixture = Fixture()
        fixture.offsets = [0, Self.ahead, 0]
        fixture.observe(1, own: false)
        fixture.observe(0, own: true)
        var isOver = false
        for _ in 0..<(30 * 60 / 4) {
            fixture.vote(for: 4) { Int(random.next() % 3) }
            // Nothing may end early: the earliest instant never passes the true time.
            #expect(fixture.error <= 0.5)
            isOver = fixture.width < 5
            if isOver { break }
        }
        #expect(isOver && abs(fixture.error) < 0.5)
    }

    @Test("Clocks with a small difference do not contradict each other")
    func clocksWithASmallDifferenceDoNotContradictEachOther() {
        var fixture = Fixture()
        fixture.establish()
        fixture.offsets = [0, 0.3, -0.4]
        for index in 0..<1000 {
            fixture.observe(index % 3, own: false)
            fixture.now += 0.7
            #expect(fixture.bounds.contradiction(at: fixture.now) == nil)
            #expect(abs(fixture.error) <= 0.7)
        }
    }

    @Test(
        "Two clocks that are slewed apart as fast as NTP does it stay within the bounds",
        arguments: [500e-6, -500e-6]
    )
    func clocksThatNTPSlewsApartStayWithinTheBounds(rate: Double) throws {
        // The server's clock runs fast by as much as this machine's runs slow.
        var bounds = ServerTimeBounds()
        for step in 0..<1000 {
            let local = Double(step) * 7.3
            let server = 5000.25 + local * (1 + 2 * rate)
            bounds.observe(date: server.rounded(.down), sent: local, received: local)
            let later = local + 60
            let range = try #require(bounds.range(at: later))
            #expect(range.contains(5000.25 + later * (1 + 2 * rate)))
            #expect(bounds.contradiction(at: later) == nil)
        }
    }

    @Test("A third time replaces a candidate that is not repeated, and different candidates do not add up")
    func differentWrongTimesDoNotAddUp() {
        var fixture = Fixture()
        fixture.establish()
        fixture.offsets = [0, Self.ahead, 2 * Self.ahead]
        for index in 0..<1000 {
            fixture.observe(1 + index % 2, own: true)
            fixture.now += 4
            #expect(fixture.error == 0)
        }
    }
}
