import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The brake says why")
struct BrakeTests {
    private let clock = ManualClock()
    private let brake: Brake
    private let forbidden = ClusterError(.refused, "the API server answered 403")

    init() {
        // It holds out for two sweep intervals of a minute.
        brake = Brake(policy: .testing(), time: MonotonicTime(clock))
    }

    private func token(_ text: String) throws -> PreviewToken { try #require(PreviewToken(text)) }

    @Test func beforeTheFirstSweep() {
        #expect(brake.reason == "the cluster's previews have not been read yet")
        brake.sweepFailed(forbidden)
        #expect(brake.reason == "the cluster's previews have not been read yet: the API server answered 403")
        brake.sweepSucceeded(stillDue: [])
        #expect(brake.reason == nil)
    }

    @Test func whenNoSweepSucceeds() {
        brake.sweepSucceeded(stillDue: [])
        brake.sweepFailed(forbidden)
        clock.advance(by: .seconds(120))
        #expect(brake.reason == nil)
        clock.advance(by: .seconds(1))
        #expect(brake.reason == "the cluster's previews could not be read for 121 s: the API server answered 403")
    }

    @Test func whenDeletionsFail() throws {
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
        brake.deletionSettled(of: first)
        brake.sweepSucceeded(stillDue: [second])
        brake.deletionSettled(of: second)
        #expect(brake.reason == nil)
    }

    @Test func whatIsNoLongerDueIsForgotten() throws {
        brake.sweepSucceeded(stillDue: [])
        brake.deletionFailed(of: try token("first"), forbidden)
        clock.advance(by: .seconds(121))
        brake.sweepSucceeded(stillDue: [])
        #expect(brake.reason == nil)
    }
}
