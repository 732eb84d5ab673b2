import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Races at the gate", .timeLimit(.minutes(5)))
struct GateRaceTests {
    private let run = GateHarness.run

    @Test func theClickRacingTheTimeOutHasOneWinnerAThousandTimes() async throws {
        var outcomes: [Approval.State: Int] = [:]
        for seed in 1...1000 as ClosedRange<UInt64> {
            let harness = try await GateHarness(seed: seed)
            harness.cluster.interleave(seed: seed)
            try await harness.run {
                let (pending, start) = try await harness.requestPreview()
                harness.advance(by: .seconds(299))
                // The caller sleeps until the deadline, and both keepers until a moment after it.
                await harness.replicas[0].clock.waitForSleepers(2)
                // Time goes on afterwards, so that a caller that began to sleep exactly at the deadline wakes.
                let (error, decision) = try await harness.whileTimePasses {
                    async let decided = Result {
                        try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
                    }
                    async let clock: Void = harness.advance(by: .seconds(1))
                    let (error, decision, _) = await (start.refusal, decided, clock)
                    return (error, decision)
                }
                let accepted = (try? decision.get()) != nil
                // The caller is refused exactly if the approval is refused.
                #expect(accepted ? error == nil : error?.kind == .approvalTimedOut, "seed \(seed)")
                #expect(harness.states == [accepted ? .consumed : .timedOut], "seed \(seed)")
                #expect(harness.cluster.liveRoutes.count == (accepted ? 1 : 0), "seed \(seed)")
            }
            for state in harness.states { outcomes[state, default: 0] += 1 }
        }
        // Both outcomes must have occurred; otherwise there was no race.
        #expect(outcomes.count == 2, "\(outcomes)")
    }

    @Test func twoRetriesRacingForOneGrantShareOnePreviewAThousandTimes() async throws {
        for seed in 1...1000 as ClosedRange<UInt64> {
            let harness = try await GateHarness(seed: seed)
            try await harness.run {
                guard
                    case .pending(let pending) = try await harness[0].request(run: run, port: 3000, requester: "agent")
                else {
                    Issue.record("the request does not wait for approval")
                    return
                }
                try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
                for replica in harness.replicas {
                    await waitUntil { replica.core.mirror.isUpToDate(with: harness.cluster) }
                }
                harness.cluster.interleave(seed: seed)
                let answers = try await harness.whileTimePasses {
                    async let first = harness[0].request(run: run, port: 3000, requester: "agent")
                    async let second = harness[1].request(run: run, port: 3000, requester: "agent")
                    return try await [first, second].map(\.started)
                }
                #expect(answers.count { $0?.isNew == true } == 1, "seed \(seed)")
                #expect(answers.allSatisfy { [$0?.session.token] == harness.cluster.liveRoutes }, "seed \(seed)")
                #expect(harness.cluster.liveBackends.count == 1, "seed \(seed)")
            }
        }
    }

    @Test func twoReplicasThatAreAskedTheSameAtOnceRaiseOneRequest() async throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            let harness = try await GateHarness(replicas: 3, seed: seed)
            harness.cluster.interleave(seed: seed)
            try await harness.run {
                async let first = harness[0].request(run: run, port: 3000, requester: "agent")
                async let second = harness[1].request(run: run, port: 3000, requester: "agent")
                async let third = harness[2].request(run: run, port: 3000, requester: "agent")
                _ = try await (first, second, third)
                #expect(harness.states == [.pending], "seed \(seed)")
            }
        }
    }

    @Test func aCallerCancelledAtAnyMomentNeverLeavesAPreviewWithoutAGrantNorAUsedGrantWithoutAPreview() async throws {
        for seed in 1...500 as ClosedRange<UInt64> {
            let harness = try await GateHarness(seed: seed)
            harness.cluster.interleave(seed: seed)
            let random = SeededRandom(seed: seed)
            try await harness.run {
                let (pending, caller) = try await harness.requestPreview()
                let pause = random.next() % 60
                async let decided: Approval = harness[1].approve(
                    run: run,
                    requestID: pending.id.text,
                    scope: .once,
                    by: "ada"
                )
                for _ in 0..<pause { await Task.yield() }
                caller.cancel()
                _ = try await decided
                _ = await caller.result
                if harness.states == [.granted] {
                    #expect(harness.provisioning.isEmpty, "seed \(seed)")
                    _ = try await harness[1].start(run: run, port: 3000, requester: "agent")
                }
                #expect(harness.states == [.consumed], "seed \(seed)")
                #expect(harness.cluster.liveRoutes.count == 1, "seed \(seed)")
            }
        }
    }

    /// A replica that stops waits for its callers, which it has cancelled.
    @Test func theWaitForTheAppEndsSoonAfterItsCallerWasCancelled() async throws {
        var policy = PreviewPolicy.testing()
        policy.readyTimeout = .seconds(60)
        let harness = try await ControlHarness(
            policy: policy,
            approvalPolicy: ApprovalPolicy(approvesAutomatically: true)
        )
        harness.cluster.addSandbox(for: run)
        harness.cluster.setProbeOutcome(.noRoute)
        let start = Task { try await harness.core.gate.start(run: run, port: 3000, requester: "agent") }
        await harness.clock.waitForSleepers(1)
        let cancelledAt = harness.clock.now
        start.cancel()
        let refusal = try await runWork {
            await start.refusal
        } repeating: {
            harness.clock.advance(by: .milliseconds(100))
            for _ in 0..<10 { await Task.yield() }
        }
        #expect(refusal?.kind == .cancelled)
        #expect(cancelledAt.duration(to: harness.clock.now) < .seconds(30))
        #expect(harness.cluster.approvals(of: run).map(\.state) == [.consumed])
        #expect(harness.cluster.liveRoutes.count == 1)
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ work: () async throws -> Success) async {
        do { self = .success(try await work()) } catch { self = .failure(error) }
    }
}
