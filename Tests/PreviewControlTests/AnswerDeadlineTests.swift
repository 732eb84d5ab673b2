import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewControl

@Suite(.timeLimit(.minutes(10))) struct AnswerDeadlineTests {
    private let clock = ManualClock()
    private var time: MonotonicTime { MonotonicTime(clock) }

    @Test func workThatNobodyWaitsForHasNoDeadline() {
        #expect(AnswerDeadline.remaining == nil)
    }

    @Test func theTimeRunsFromTheArrivalHoweverManyStepsThereAre() async {
        await AnswerDeadline.begin(time) {
            #expect(AnswerDeadline.remaining == AnswerDeadline.limit)
            clock.advance(by: .seconds(4))
            await AnswerDeadline.keep(time) { #expect(AnswerDeadline.remaining == AnswerDeadline.limit - .seconds(4)) }
            clock.advance(by: .seconds(60))
            #expect(AnswerDeadline.remaining == .zero)
        }
        #expect(AnswerDeadline.remaining == nil)
    }

    @Test func anOperationOfItsOwnBeginsOne() async {
        await AnswerDeadline.keep(time) { #expect(AnswerDeadline.remaining == AnswerDeadline.limit) }
    }

    @Test func tasksThatAnOperationStartsHaveItsDeadline() async {
        await AnswerDeadline.begin(time) {
            let remaining = await Task { AnswerDeadline.remaining }.value
            #expect(remaining == AnswerDeadline.limit)
        }
    }

    @Test func whatIsReservedIsLeftAfterwards() async {
        await AnswerDeadline.begin(time) {
            let left = AnswerDeadline.limit - AnswerDeadline.takingBack
            await AnswerDeadline.reserve { #expect(AnswerDeadline.remaining == left) }
            #expect(AnswerDeadline.remaining == AnswerDeadline.limit)
        }
        await AnswerDeadline.reserve { #expect(AnswerDeadline.remaining == nil) }
    }

    @Test func whoWaitsForAHumanWaitsAsLongAsItTakes() async {
        await AnswerDeadline.begin(time) {
            await AnswerDeadline.suspend {
                clock.advance(by: .seconds(300))
                #expect(AnswerDeadline.remaining == nil)
                await AnswerDeadline.begin(time) { #expect(AnswerDeadline.remaining == AnswerDeadline.limit) }
            }
        }
    }

    @Test func whoHasWaitedForAHumanGetsTheWholeTimeAgain() async {
        await AnswerDeadline.begin(time) {
            clock.advance(by: .seconds(300))
            await AnswerDeadline.renew { #expect(AnswerDeadline.remaining == AnswerDeadline.limit) }
            #expect(AnswerDeadline.remaining == .zero)
        }
        await AnswerDeadline.renew { #expect(AnswerDeadline.remaining == nil) }
    }

    @Test func anApprovedStartHasItsTimeFromTheApprovalOn() async throws {
        let harness = try await GateHarness(replicas: 1)
        let seen = Mutex<[SimulatedCluster.Operation: Duration?]>([:])
        for operation in [SimulatedCluster.Operation.createService, .probe] {
            harness.cluster.interrupt(operation) {
                seen.withLock { $0[operation] = .some(AnswerDeadline.remaining) }
            }
        }
        try await harness.run {
            let (pending, start) = try await AnswerDeadline.begin(time) { try await harness.ask() }
            harness.advance(by: .seconds(60))
            try await harness[0].approve(run: GateHarness.run, requestID: pending.id.text, scope: .once, by: "ada")
            _ = try await start.value
        }
        #expect(seen.withLock { $0[.createService] } == AnswerDeadline.limit - AnswerDeadline.takingBack)
        // The policy limits the time of the app, not the deadline.
        #expect(seen.withLock { $0[.probe] } == .some(nil))
    }

    @Test func aReadDuringTheWaitForTheAppIsLimited() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: ControlHarness.run)
        harness.cluster.setProbeOutcome(.notConnected)
        let seen = Mutex<Duration?>(nil)
        harness.cluster.interrupt(.routeStatus) { seen.withLock { $0 = AnswerDeadline.remaining } }
        _ = try await harness.previews.start(run: ControlHarness.run, port: 3000, requester: "ada")
        #expect(seen.withLock { $0 } == AnswerDeadline.limit)
    }

    @Test func aCallThatJoinsAPreviewHasTimeOfItsOwnAfterTheWaitForTheApp() async throws {
        let harness = try await ControlHarness(approvalPolicy: ApprovalPolicy(approvesAutomatically: true))
        harness.cluster.addSandbox(for: ControlHarness.run)
        _ = try await harness.core.gate.start(run: ControlHarness.run, port: 3000, requester: "agent")
        let seen = Mutex<[SimulatedCluster.Operation: Duration?]>([:])
        harness.cluster.interrupt(.probe) {
            seen.withLock { $0[.probe] = .some(AnswerDeadline.remaining) }
            harness.clock.advance(by: AnswerDeadline.limit)
            harness.cluster.interrupt(.route) { seen.withLock { $0[.route] = .some(AnswerDeadline.remaining) } }
        }
        let joined = try await harness.core.gate.start(run: ControlHarness.run, port: 3000, requester: "agent")
        #expect(!joined.isNew)
        #expect(seen.withLock { $0[.probe] } == .some(nil))
        #expect(seen.withLock { $0[.route] } == AnswerDeadline.limit)
    }

    @Test func whatAFailedStartTakesBackHasTimeOfItsOwn() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: ControlHarness.run)
        harness.cluster.fail(.createRoute, .before(ClusterError(.unavailable, "failed")))
        let seen = Mutex<Duration?>(nil)
        harness.cluster.interrupt(.createRoute) { harness.clock.advance(by: AnswerDeadline.limit) }
        harness.cluster.interrupt(.deleteBackend) { seen.withLock { $0 = AnswerDeadline.remaining } }
        await #expect(throws: PreviewError.self) {
            try await harness.core.previews.start(run: ControlHarness.run, port: 3000, requester: "ada")
        }
        #expect(seen.withLock { $0 } == AnswerDeadline.takingBack)
    }
}
