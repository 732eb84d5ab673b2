import FoundationEssentials
import PreviewDomain
import Testing

/// Shows that ``SoakBooks`` finds each kind of violation.
@Suite("The books of a soak", .timeLimit(.minutes(1)))
struct SoakBooksTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)
    private static let token = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"

    private func at(_ seconds: Double) -> Date { Self.start + .seconds(seconds) }

    private func route(until seconds: Double, isAgents: Bool = false) -> SoakBooks.Route {
        SoakBooks.Route(token: Self.token, expiresAt: at(seconds), isAgents: isAgents)
    }

    private var begun: SoakBooks {
        var books = SoakBooks(outageGrace: .seconds(3))
        books.noteStart(of: Self.token, until: at(6))
        return books
    }

    @Test func aPreviewThatEndsAtItsDeadlineBalances() {
        var books = begun
        books.notePing(of: Self.token, until: at(8))
        books.compare([route(until: 8)], from: at(7), to: at(7.1))
        books.compare([], from: at(8.2), to: at(8.3))
        #expect(books.violations.isEmpty)
        #expect(books.ends == 1)
    }

    @Test func aPingThatIsLostIsFound() {
        var books = begun
        books.notePing(of: Self.token, until: at(8))
        books.compare([], from: at(6.2), to: at(6.3))
        #expect(books.violations.count == 1)
    }

    @Test func aPreviewThatIsUnknownTooEarlyIsFound() {
        var books = begun
        books.noteUnknown(Self.token, at: at(5))
        #expect(books.violations.count == 1)
    }

    @Test func whatSomebodyHasStoppedMayBeGone() {
        var books = begun
        books.noteStopAsked(Self.token)
        books.noteUnknown(Self.token, at: at(1))
        books.compare([], from: at(1), to: at(1.1))
        #expect(books.violations.isEmpty)
    }

    @Test func aPreviewThatOutlivesItsDeadlineIsFoundOnce() {
        var books = begun
        books.compare([route(until: 6)], from: at(9.1), to: at(9.2))
        books.compare([route(until: 6)], from: at(9.4), to: at(9.5))
        #expect(books.violations.count == 1)
    }

    @Test func anOutageAndItsGraceExcuseAnEndThatIsLate() {
        var books = begun
        books.noteOutage(until: at(10))
        books.compare([route(until: 6)], from: at(15), to: at(15.1))
        #expect(books.violations.isEmpty)
        books.compare([route(until: 6)], from: at(16.1), to: at(16.2))
        #expect(books.violations.count == 1)
    }

    @Test func aPreviewThatNobodyApprovedIsFound() {
        var books = SoakBooks(outageGrace: .seconds(3))
        books.compare([route(until: 6, isAgents: true)], from: at(1), to: at(1.1))
        #expect(books.violations.count == 1)
        books = SoakBooks(outageGrace: .seconds(3))
        books.noteApproval()
        books.compare([route(until: 6, isAgents: true)], from: at(1), to: at(1.1))
        #expect(books.violations.isEmpty)
    }
}
