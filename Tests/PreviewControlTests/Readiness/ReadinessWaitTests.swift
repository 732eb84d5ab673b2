import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// The length of the wait, what it waits for, and what it costs.
@Suite("Waiting until a preview serves", .timeLimit(.minutes(10)))
struct ReadinessWaitTests {
    private static let deadline = Duration.seconds(10)
    private static let accepted = RouteStatus(isAccepted: true)
    private static let page = ProbeOutcome.answered(ProbeResponse(status: 200))

    /// Simulates a wait in which each probe takes `duration` and finds `outcome`.
    ///
    /// - Returns: The verdict, when it was reached, the number of reads from the cluster, and the time limits of the
    ///   further probes.
    private func play(
        _ outcome: ProbeOutcome,
        takes duration: Duration = .milliseconds(5),
        status: (Duration) -> RouteStatus? = { _ in Self.accepted },
        deadline: Duration = Self.deadline,
        then later: (Duration) -> ProbeOutcome? = { _ in nil }
    ) -> (readiness: Readiness, at: Duration, reads: Int, timeout: [Duration]) {
        var now = duration
        var wait = ReadinessWait(outcome, deadline: deadline)
        var reads = 0
        var timeout: [Duration] = []
        while true {
            switch wait.next(at: now, probed: duration) {
            case .finish:
                return (Readiness(wait.evidence), now, reads, timeout)
            case .readRoute:
                reads += 1
                now += .milliseconds(2)
                wait.record(status(now), at: now)
            case .probe(let pause, let limit):
                timeout.append(limit)
                now += pause + (outcome == .noResponse ? limit : duration)
                wait.record(later(now) ?? outcome)
            }
        }
    }

    @Test func anAppThatAnswersEndsTheWaitWithoutARequestToTheCluster() {
        let played = play(Self.page)
        #expect(played.readiness.state == .serving && played.reads == 0 && played.timeout.isEmpty)
    }

    @Test(arguments: [
        ProbeOutcome.notConnected, .nameUnresolved, .nameNotFound, .notTrusted(.expired), .broken,
        .answered(ProbeResponse(status: 302, isFromUpstream: false, mark: nil)),
    ])
    func anAddressThatCannotBeTriedCostsTwoSecondsAtMost(outcome: ProbeOutcome) {
        for took in [Duration.milliseconds(1), .milliseconds(400), .milliseconds(1500)] {
            let played = play(outcome, takes: took)
            #expect(played.at < .seconds(2) && !played.readiness.isReady)
            #expect(played.reads == 1)
        }
    }

    @Test func theTwoSecondsForAnUnreachableAddressCountFromTheAcceptance() {
        let played = play(.notConnected, status: { RouteStatus(isAccepted: $0 >= .seconds(4)) })
        #expect(played.at >= .seconds(4) && played.at < .seconds(8))
        #expect(played.readiness.state == .unverified)
        #expect(played.reads < 8, "a gateway that is slow to accept costs few requests")
    }

    @Test func aGatewayThatNeverAcceptsIsWaitedForUntilTheTimeIsOver() {
        let played = play(.notConnected, status: { _ in RouteStatus(isAccepted: false) })
        #expect(played.at >= Self.deadline && played.at < Self.deadline + .seconds(1))
        #expect(played.readiness.state == .noRoute && played.reads <= 10)
    }

    @Test func anUnresponsiveClusterDoesNotMeanThatTheGatewayAccepts() {
        let played = play(.notConnected, status: { _ in nil })
        #expect(played.at >= Self.deadline && played.readiness.state == .unverified)
    }

    @Test func theSecondProbeOfAHangingAppHasALongerTimeLimit() {
        let played = play(.noResponse, takes: ReadinessWait.firstTimeout)
        #expect(played.timeout.count == 1)
        #expect(played.timeout.allSatisfy { $0 > .seconds(7) })
        #expect(played.readiness.state == .noApp && played.at < Self.deadline + .seconds(1))
    }

    @Test func anAppThatStartsLateIsFound() {
        let played = play(.noListener, then: { $0 > .seconds(6) ? Self.page : nil })
        #expect(played.readiness.state == .serving && played.at < .seconds(7) && played.reads == 0)
    }

    @Test(arguments: [3, 10, 16, 40, 150, 900, 3000])
    func aGatewayThatBeginsToServeIsFoundAQuarterOfTheWaitLaterAtMost(milliseconds: Int) {
        let serves = Duration.milliseconds(milliseconds)
        let took = Duration.milliseconds(1)
        let played = play(.noRoute, takes: took, then: { $0 >= serves ? Self.page : nil })
        #expect(played.readiness.state == .serving)
        #expect(played.at <= serves * 5 / 4 + .milliseconds(2) + took * 2)
    }

    @Test func aGatewayThatDoesNotServeGetsFewRequests() {
        #expect(play(.noRoute, takes: .milliseconds(1)).timeout.count <= 45)
    }

    @Test func whereNoAppListensTheClusterIsReadOnceAtTheEnd() {
        let played = play(.noListener)
        #expect(played.readiness.state == .noApp && played.reads == 1)
    }

    @Test func withoutTimeEachThingIsCheckedOnce() {
        for outcome in [ProbeOutcome.noListener, .notConnected, .noRoute, .noResponse] {
            let played = play(outcome, deadline: .zero)
            #expect(played.timeout.isEmpty && played.reads == 1)
        }
    }

    @Test func aPreviewOfTheEarlierServiceNeedsNoMark() {
        let answer = ProbeOutcome.answered(ProbeResponse(status: 200, mark: nil))
        let unmarked = play(answer, status: { _ in RouteStatus(isAccepted: true, isMarked: false) })
        #expect(unmarked.readiness.state == .serving && unmarked.reads == 1)
        #expect(play(answer).readiness.state == .unverified)
    }
}
