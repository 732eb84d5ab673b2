import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The brake and its reason", .timeLimit(.minutes(10)))
struct BrakeTests {
    private let clock = ManualClock()
    private let log = RecordedLog()
    private let brake: Brake
    private let forbidden = ClusterError(.refused, "the API server answered 403")

    init() {
        // The brake engages after two sweep intervals of a minute.
        brake = Brake(policy: .testing(), time: MonotonicTime(clock), logger: log.logger)
    }

    private func token(_ text: String) throws -> PreviewToken { try #require(PreviewToken(text)) }

    @Test func theBrakeIsEngagedUntilTheFirstSweep() {
        #expect(brake.reason == "the cluster's previews have not been read yet")
        brake.sweepFailed(forbidden)
        #expect(brake.reason == "the cluster's previews have not been read yet: the API server answered 403")
        brake.sweepSucceeded(stillDue: [])
        #expect(brake.reason == nil)
    }

    @Test func theBrakeEngagesAfterTwoIntervalsWithoutASweep() {
        brake.sweepSucceeded(stillDue: [])
        brake.sweepFailed(forbidden)
        clock.advance(by: .seconds(120))
        #expect(brake.reason == nil)
        clock.advance(by: .seconds(1))
        #expect(brake.reason == "the cluster's previews could not be read for 121 s: the API server answered 403")
    }

    @Test func theBrakeEngagesTwoIntervalsAfterADeletionFailed() throws {
        let (first, second) = (try token("first"), try token("second"))
        brake.sweepSucceeded(stillDue: [])
        brake.deletionFailed(of: first, ClusterError(.unavailable, "the API server answered 500"))
        clock.advance(by: .seconds(119))
        brake.deletionFailed(of: first, forbidden)
        brake.deletionFailed(of: second, forbidden)
        brake.sweepSucceeded(stillDue: [first, second])
        #expect(brake.reason == nil)
        clock.advance(by: .seconds(2))
        #expect(brake.reason == "1 preview is overdue and cannot be deleted: the API server answered 403")
        brake.sweepSucceeded(stillDue: [first, second])
        clock.advance(by: .seconds(119))
        #expect(brake.reason == "2 previews are overdue and cannot be deleted: the API server answered 403")
        brake.deletionCompleted(of: first)
        brake.sweepSucceeded(stillDue: [second])
        brake.deletionCompleted(of: second)
        #expect(brake.reason == nil)
    }

    @Test func oneLineOfTheLogSaysThatItEngagesAndOneThatItEnds() throws {
        for _ in 0..<26 {
            _ = brake.reason
            clock.advance(by: .seconds(5))
        }
        // A replica that has just started logs nothing; one that stays without a sweep does.
        #expect(log.messages == ["the brake is engaged: no previews are started"])
        #expect(log.texts.first?.contains("have not been read yet") == true)
        for _ in 0..<100 { _ = brake.reason }
        brake.sweepFailed(forbidden)
        brake.sweepSucceeded(stillDue: [])
        for _ in 0..<100 { _ = brake.reason }
        #expect(
            log.messages == [
                "the brake is engaged: no previews are started", "the brake is released: previews are started again",
            ]
        )
    }

    @Test func theRefusedDeletionOfOnePreviewIsLoggedOnceHoweverOftenItIsTried() throws {
        brake.sweepSucceeded(stillDue: [])
        let token = try token("first")
        for _ in 0..<100 {
            brake.deletionFailed(of: token, forbidden)
            clock.advance(by: .seconds(2))
            brake.sweepSucceeded(stillDue: [token])
        }
        #expect(log.messages == ["the brake is engaged: no previews are started"])
        #expect(log.texts.first?.contains("1 preview is overdue and cannot be deleted") == true)
        brake.deletionCompleted(of: token)
        #expect(log.messages.count == 2)
    }

    @Test func aPreviewThatIsNoLongerDueIsForgotten() throws {
        brake.sweepSucceeded(stillDue: [])
        brake.deletionFailed(of: try token("first"), forbidden)
        clock.advance(by: .seconds(121))
        brake.sweepSucceeded(stillDue: [])
        #expect(brake.reason == nil)
    }
}
