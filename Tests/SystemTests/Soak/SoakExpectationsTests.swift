import FoundationEssentials
import PreviewDomain
import Testing

/// Shows that ``SoakExpectations`` finds each kind of violation.
@Suite("The expectations of a soak", .timeLimit(.minutes(1)))
struct SoakExpectationsTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)
    private static let token = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"

    private func at(_ seconds: Double) -> Date { Self.start + .seconds(seconds) }

    private func route(until seconds: Double, isAgents: Bool = false) -> SoakExpectations.Route {
        SoakExpectations.Route(token: Self.token, expiresAt: at(seconds), isAgents: isAgents)
    }

    private var begun: SoakExpectations {
        var expectations = SoakExpectations(outageGrace: .seconds(3))
        expectations.recordStart(of: Self.token, until: at(6))
        return expectations
    }

    @Test func aPreviewThatEndsAtItsDeadlineIsNoViolation() {
        var expectations = begun
        expectations.recordPing(of: Self.token, until: at(8))
        expectations.compare([route(until: 8)], from: at(7), to: at(7.1))
        expectations.compare([], from: at(8.2), to: at(8.3))
        #expect(expectations.violations.isEmpty)
        #expect(expectations.ends == 1)
    }

    @Test func aLostPingIsAViolation() {
        var expectations = begun
        expectations.recordPing(of: Self.token, until: at(8))
        expectations.compare([], from: at(6.2), to: at(6.3))
        #expect(expectations.violations.count == 1)
    }

    @Test func aPreviewThatIsUnknownTooEarlyIsAViolation() {
        var expectations = begun
        expectations.recordNotFound(Self.token, at: at(5))
        #expect(expectations.violations.count == 1)
    }

    @Test func aStoppedPreviewMayBeGone() {
        var expectations = begun
        expectations.recordStopRequest(Self.token)
        expectations.recordNotFound(Self.token, at: at(1))
        expectations.compare([], from: at(1), to: at(1.1))
        #expect(expectations.violations.isEmpty)
    }

    @Test func aPreviewThatOutlivesItsDeadlineIsOneViolation() {
        var expectations = begun
        expectations.compare([route(until: 6)], from: at(9.1), to: at(9.2))
        expectations.compare([route(until: 6)], from: at(9.4), to: at(9.5))
        #expect(expectations.violations.count == 1)
    }

    @Test func anOutageAndItsGraceExcuseAnEndThatIsLate() {
        var expectations = begun
        expectations.recordOutage(until: at(10))
        expectations.compare([route(until: 6)], from: at(15), to: at(15.1))
        #expect(expectations.violations.isEmpty)
        expectations.compare([route(until: 6)], from: at(16.1), to: at(16.2))
        #expect(expectations.violations.count == 1)
    }

    @Test func aPreviewWithoutAnApprovalIsAViolation() {
        var expectations = SoakExpectations(outageGrace: .seconds(3))
        expectations.compare([route(until: 6, isAgents: true)], from: at(1), to: at(1.1))
        #expect(expectations.violations.count == 1)
        expectations = SoakExpectations(outageGrace: .seconds(3))
        expectations.recordApproval()
        expectations.compare([route(until: 6, isAgents: true)], from: at(1), to: at(1.1))
        #expect(expectations.violations.isEmpty)
    }
}
