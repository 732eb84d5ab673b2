import Testing

@testable import CurlHTTP

@Suite(.timeLimit(.minutes(10))) struct ConnectionTests {
    private static let limit = Duration.seconds(3)
    private let start = ContinuousClock.now
    private let connection: Connection

    init() {
        connection = Self.connection(at: start)
    }

    private static func connection(generation: Int = 0, at now: ContinuousClock.Instant) -> Connection {
        let key = ConnectionKey(origin: "https://peer", localPort: 50_000)
        return Connection(key: key, generation: generation, isHTTP2: true, at: now)
    }

    private func instant(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    private func isSilent(at seconds: Double) -> Bool {
        connection.checkSilence(at: instant(seconds), limit: Self.limit) == nil
    }

    @Test func aConnectionWithoutARequestMayBeSilentForever() {
        #expect(!isSilent(at: 1_000))
    }

    @Test func theFirstUnansweredRequestCountsHoweverManyFollow() {
        connection.requestSent(at: instant(0))
        connection.requestSent(at: instant(2))
        #expect(!isSilent(at: 2.9))
        #expect(isSilent(at: 3))
        #expect(connection.silentSince == instant(0))
    }

    @Test func anAnswerToAnyRequestCountsForAll() {
        connection.requestSent(at: instant(0))
        connection.requestSent(at: instant(1))
        connection.received(at: instant(2))
        #expect(!isSilent(at: 4.9))
        #expect(isSilent(at: 5))
    }

    @Test func requestsThatTimeOutOneByOneAddUp() {
        connection.requestSent(at: instant(0))
        connection.requestEnded(timedOut: true)
        #expect(!isSilent(at: 2))
        connection.requestSent(at: instant(2))
        #expect(isSilent(at: 3))
    }

    @Test func aCancelledRequestIsNoSignOfSilence() {
        connection.requestSent(at: instant(0))
        connection.requestEnded(timedOut: false)
        connection.requestSent(at: instant(10))
        #expect(!isSilent(at: 12))
    }

    @Test func aSlowReaderDoesNotMakeThePeerSilent() {
        connection.requestSent(at: instant(0))
        connection.pausedCount = 1
        #expect(!isSilent(at: 100))
    }

    @Test func onlyConnectionsThatAreAsOldAndAsSilentAreAbandonedTogether() throws {
        connection.requestSent(at: instant(10))
        #expect(isSilent(at: 13))
        let silent = try #require(SilentConnection(connection))
        let quiet = Self.connection(at: instant(1))
        let busy = Self.connection(at: instant(1))
        busy.received(at: instant(11))
        let newer = Self.connection(generation: 1, at: instant(9))
        #expect(silent.mayShareCause(with: quiet))
        #expect(!silent.mayShareCause(with: busy))
        #expect(!silent.mayShareCause(with: newer))
    }
}
