import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// Approvals of a run whose claim has the executor's name.
@Suite("The gate on an executor's claim", .timeLimit(.minutes(1)))
struct ClaimNameGateTests {
    private let run = GateHarness.run

    private func harness() async throws -> GateHarness {
        let harness = try await GateHarness()
        harness.cluster.removeClaim(of: run)
        harness.cluster.addSandbox(for: run, pod: "pod-2", claimName: run.claimNames[1])
        for replica in harness.replicas {
            replica.mirror.apply(.claims(.replaced([RunClaim(try #require(try await harness.claim()))])))
            replica.mirror.apply(.grants(StandingGrants()))
        }
        return harness
    }

    @Test func aDecisionOnAnotherReplicaEndsTheWaitOnAnExecutorsClaim() async throws {
        let harness = try await harness()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for replica in harness.replicas {
                group.addTask {
                    try await harness.cluster.run { replica.mirror.apply($0, at: harness.cluster.reading()) }
                }
            }
            let (pending, start) = try await harness.requestPreview()
            let followed = Task {
                try await harness[1].approval(run: run, requestID: pending.id.text, wait: .seconds(60))
            }
            await waitWhile { harness[1].cachedApprovals(run: run).map(\.id) != [pending.id] }
            try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
            _ = try await start.value
            #expect(try await followed.value.state != .pending)
            #expect(harness.states == [.consumed])
            group.cancelAll()
        }
    }

    /// The platform may create an agent's claim later for a run that only had commands. What waits on the executor's
    /// claim must then be requested again.
    @Test func anAgentsClaimThatAppearsLaterNeedsANewRequest() async throws {
        let harness = try await harness()
        let (pending, start) = try await harness.requestPreview()
        harness.cluster.addSandbox(for: run, pod: "pod-3")
        let error = await #expect(throws: PreviewError.self) {
            try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
        }
        #expect(error?.kind == .approvalNotFound)
        start.cancel()
        _ = await start.result
        #expect(harness.provisioning.isEmpty)
    }

    @Test func anOptionThatWasTurnedOffIsOnNoClaimOfTheRun() async throws {
        let harness = try await harness()
        try await harness[0].setAutoApprove(run: run, to: true, by: "ada")
        harness.cluster.addSandbox(for: run, pod: "pod-3")
        try await harness[1].setAutoApprove(run: run, to: false, by: "ada")
        // The agent's claim ends, and the executor's is the run's again.
        harness.cluster.removeClaim(of: run)
        harness.cluster.addSandbox(for: run, pod: "pod-2", claimName: run.claimNames[1])
        #expect(harness.cluster.claimAnnotations(of: run)[ApprovalAnnotation.autoApprove] == nil)
        let answer = try await harness[0].request(run: run, port: 3000, requester: "agent")
        #expect(answer.started == nil)
        #expect(harness.provisioning.isEmpty)
    }
}
