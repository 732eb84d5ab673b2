import NIOCore
import Testing

@testable import PreviewServer

@Suite("The activity of a connection", .timeLimit(.minutes(10)))
struct ConnectionActivityTests {
    private let limits: ConnectionLimits = {
        var limits = ConnectionLimits()
        limits.headTimeout = .seconds(10)
        limits.idleTimeout = .seconds(75)
        limits.writeTimeout = .seconds(30)
        return limits
    }()

    private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    @Test func aSilentConnectionHasTheTimeLimitOfAHead() {
        let activity = ConnectionActivity(openedAt: at(0))
        #expect(activity.deadline(limits) == at(10))
    }

    @Test func bytesThatArriveSlowlyDoNotExtendTheDeadline() {
        var activity = ConnectionActivity(openedAt: at(0))
        for second in 1..<9 { activity.bytesArrived(at: at(Int64(second))) }
        #expect(activity.deadline(limits) == at(10))
    }

    @Test func aRequestThatIsServedHasNoDeadlineHere() {
        var activity = ConnectionActivity(openedAt: at(0))
        activity.exchangeBegan()
        #expect(activity.deadline(limits) == .distantFuture)
        #expect(!activity.isIdle)
    }

    @Test func betweenRequestsAConnectionMayRestUntilItsNextByte() {
        var activity = ConnectionActivity(openedAt: at(0))
        activity.exchangeBegan()
        activity.exchangeEnded(at: at(20))
        #expect(activity.isIdle)
        #expect(activity.deadline(limits) == at(95))
        activity.bytesArrived(at: at(50))
        #expect(activity.deadline(limits) == at(60))
    }

    @Test func aClientThatDoesNotReadHasItsOwnDeadline() {
        var activity = ConnectionActivity(openedAt: at(0))
        activity.exchangeBegan()
        activity.writabilityChanged(to: false, at: at(100))
        activity.writabilityChanged(to: false, at: at(110))
        #expect(activity.deadline(limits) == at(130))
        activity.writabilityChanged(to: true, at: at(120))
        #expect(activity.deadline(limits) == .distantFuture)
    }

    @Test func anAnswerThatIsPassedOnMayBeReadAsSlowlyAsItsClientLikes() {
        var activity = ConnectionActivity(openedAt: at(0))
        activity.exchangeBegan()
        activity.forwardingChanged(to: true)
        activity.writabilityChanged(to: false, at: at(100))
        #expect(activity.deadline(limits) == .distantFuture)
        // Its end is not read yet.
        activity.forwardingChanged(to: false)
        activity.exchangeEnded(at: at(500))
        #expect(activity.deadline(limits) == .distantFuture)
        activity.writabilityChanged(to: true, at: at(900))
        #expect(activity.deadline(limits) == at(975))
        activity.exchangeBegan()
        activity.writabilityChanged(to: false, at: at(1000))
        #expect(activity.deadline(limits) == at(1030))
    }
}
