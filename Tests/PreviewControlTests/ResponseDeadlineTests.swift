import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewControl

@Suite(.timeLimit(.minutes(10))) struct ResponseDeadlineTests {
    private let clock = ManualClock()
    private var time: MonotonicTime { MonotonicTime(clock) }

    @Test func workWithoutACallerHasNoDeadline() {
        #expect(ResponseDeadline.remaining == nil)
    }

    @Test func theTimeRunsFromTheArrivalHoweverManyStepsThereAre() async {
        await ResponseDeadline.begin(time) {
            #expect(ResponseDeadline.remaining == ResponseDeadline.limit)
            clock.advance(by: .seconds(4))
            await ResponseDeadline.ensure(time) {
                #expect(ResponseDeadline.remaining == ResponseDeadline.limit - .seconds(4))
            }
            clock.advance(by: .seconds(60))
            #expect(ResponseDeadline.remaining == .zero)
        }
        #expect(ResponseDeadline.remaining == nil)
    }

    @Test func anOperationWithoutACallerBeginsADeadline() async {
        await ResponseDeadline.ensure(time) { #expect(ResponseDeadline.remaining == ResponseDeadline.limit) }
    }

    @Test func tasksThatAnOperationStartsHaveItsDeadline() async {
        await ResponseDeadline.begin(time) {
            let remaining = await Task { ResponseDeadline.remaining }.value
            #expect(remaining == ResponseDeadline.limit)
        }
    }

    @Test func theReservedTimeRemainsAfterwards() async {
        await ResponseDeadline.begin(time) {
            let left = ResponseDeadline.limit - ResponseDeadline.rollbackTime
            await ResponseDeadline.reservingRollbackTime { #expect(ResponseDeadline.remaining == left) }
            #expect(ResponseDeadline.remaining == ResponseDeadline.limit)
        }
        await ResponseDeadline.reservingRollbackTime { #expect(ResponseDeadline.remaining == nil) }
    }

    @Test func waitingForADecisionHasNoDeadline() async {
        await ResponseDeadline.begin(time) {
            await ResponseDeadline.suspend {
                clock.advance(by: .seconds(300))
                #expect(ResponseDeadline.remaining == nil)
                await ResponseDeadline.begin(time) { #expect(ResponseDeadline.remaining == ResponseDeadline.limit) }
            }
        }
    }

    @Test func whoHasWaitedForAHumanGetsTheWholeTimeAgain() async {
        await ResponseDeadline.begin(time) {
            clock.advance(by: .seconds(300))
            await ResponseDeadline.renew { #expect(ResponseDeadline.remaining == ResponseDeadline.limit) }
            #expect(ResponseDeadline.remaining == .zero)
        }
        await ResponseDeadline.renew { #expect(ResponseDeadline.remaining == nil) }
    }

    @Test func anApprovedStartHasItsTimeFromTheApprovalOn() async throws {
        let harness = try await GateHarness(replicas: 1)
        let seen = Mutex<[SimulatedCluster.Operation: Duration?]>([:])
        for operation in [SimulatedCluster.Operation.createService, .probe] {
            harness.cluster.interrupt(operation) {
                seen.withLock { $0[operation] = .some(ResponseDeadline.remaining) }
            }
        }
        try await harness.run {
            let (pending, start) = try await ResponseDeadline.begin(time) { try await harness.requestPreview() }
            harness.advance(by: .seconds(60))
            try await harness[0].approve(run: GateHarness.run, requestID: pending.id.text, scope: .once, by: "ada")
            _ = try await start.value
        }
        #expect(seen.withLock { $0[.createService] } == ResponseDeadline.limit - ResponseDeadline.rollbackTime)
        // The policy limits the time of the app, not the deadline.
        #expect(seen.withLock { $0[.probe] } == .some(nil))
    }

    /// Requests during the wait for the app, and the outcome of the probe that leads to each.
    private static let requestsOfTheWait: [(SimulatedCluster.Operation, ProbeOutcome)] = [
        (.routeStatus, .notConnected),
        (.isPodReady, .answered(ProbeResponse(status: 503, isFromUpstream: false, text: "no healthy upstream"))),
        (
            .setBackendProtocol,
            .answered(
                ProbeResponse(
                    status: 502,
                    isFromUpstream: false,
                    text: "upstream connect error or disconnect/reset before headers. reset reason: protocol error"
                )
            )
        ),
        (.rewriteHost, .answered(ProbeResponse(status: 403))),
    ]

    @Test(arguments: requestsOfTheWait)
    func aRequestDuringTheWaitForTheAppIsLimited(
        operation: SimulatedCluster.Operation,
        outcome: ProbeOutcome
    ) async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: ControlHarness.run)
        harness.cluster.setProbeOutcome(outcome)
        harness.cluster.setHTTP2Outcome(.answered(ProbeResponse(status: 200)))
        harness.cluster.setLocalhostOutcome(.answered(ProbeResponse(status: 200, mark: .localhost)))
        let seen = Mutex<Duration?>(nil)
        harness.cluster.interrupt(operation) { seen.withLock { $0 = ResponseDeadline.remaining } }
        _ = try await harness.previews.start(run: ControlHarness.run, port: 3000, requester: "ada")
        #expect(seen.withLock { $0 } == ResponseDeadline.limit)
    }

    /// A check that waits probes without a deadline.
    @Test(arguments: requestsOfTheWait.prefix(2))
    func aReadAfterAProbeWithoutADeadlineIsLimited(
        operation: SimulatedCluster.Operation,
        outcome: ProbeOutcome
    ) async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        let preview = try #require(try await harness.cluster.route(token))
        harness.cluster.setProbeOutcome(outcome)
        let seen = Mutex<Duration?>(nil)
        harness.cluster.interrupt(operation) { seen.withLock { $0 = ResponseDeadline.remaining } }
        _ = await harness.previews.probeReadiness(of: preview)
        #expect(seen.withLock { $0 } == ResponseDeadline.limit)
    }

    @Test func aCallThatJoinsAPreviewHasTimeOfItsOwnAfterTheWaitForTheApp() async throws {
        let harness = try await ControlHarness(approvalPolicy: ApprovalPolicy(approvesAutomatically: true))
        harness.cluster.addSandbox(for: ControlHarness.run)
        _ = try await harness.core.gate.start(run: ControlHarness.run, port: 3000, requester: "agent")
        let seen = Mutex<[SimulatedCluster.Operation: Duration?]>([:])
        harness.cluster.interrupt(.probe) {
            seen.withLock { $0[.probe] = .some(ResponseDeadline.remaining) }
            harness.clock.advance(by: ResponseDeadline.limit)
            harness.cluster.interrupt(.route) { seen.withLock { $0[.route] = .some(ResponseDeadline.remaining) } }
        }
        let joined = try await harness.core.gate.start(run: ControlHarness.run, port: 3000, requester: "agent")
        #expect(!joined.isNew)
        #expect(seen.withLock { $0[.probe] } == .some(nil))
        #expect(seen.withLock { $0[.route] } == ResponseDeadline.limit)
    }

    @Test func theRollbackOfAFailedStartHasItsOwnTime() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: ControlHarness.run)
        harness.cluster.fail(.createRoute, .before(ClusterError(.unavailable, "failed")))
        let seen = Mutex<Duration?>(nil)
        harness.cluster.interrupt(.createRoute) { harness.clock.advance(by: ResponseDeadline.limit) }
        harness.cluster.interrupt(.deleteBackend) { seen.withLock { $0 = ResponseDeadline.remaining } }
        await #expect(throws: PreviewError.self) {
            try await harness.core.previews.start(run: ControlHarness.run, port: 3000, requester: "ada")
        }
        #expect(seen.withLock { $0 } == ResponseDeadline.rollbackTime)
    }
}
