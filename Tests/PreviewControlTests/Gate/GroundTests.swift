import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The ground of a start is verified when it starts", .timeLimit(.minutes(1)))
struct GroundTests {
    private let run = GateHarness.run

    /// A ground that this replica's copy shows and that the cluster no longer has.
    enum Ground: String, CaseIterable { case option, grant, commonGrant }

    private func give(_ ground: Ground, _ harness: GateHarness) async throws {
        switch ground {
        case .option: try await harness[1].setAutoApprove(run: run, to: true, by: "ada")
        case .grant:
            var grants = StandingGrants()
            grants.add(StandingGrant(.tool(run), by: "ada", at: harness.cluster.now))
            harness.cluster.annotateClaim(of: run, [ApprovalAnnotation.grants: grants.text])
        case .commonGrant:
            let port = try #require(TargetPort(3000))
            try await harness.cluster.addCommonGrant(StandingGrant(.always(port), by: "ada", at: harness.cluster.now))
        }
    }

    private func takeBack(_ ground: Ground, _ harness: GateHarness) async throws {
        switch ground {
        case .option: try await harness[1].setAutoApprove(run: run, to: false, by: "ada")
        case .grant: harness.cluster.annotateClaim(of: run, [ApprovalAnnotation.grants: nil])
        case .commonGrant: harness.cluster.revokeStandingGrants()
        }
    }

    /// Gives a ground and takes it back; afterwards the first replica's copies show it.
    private func show(_ ground: Ground, _ harness: GateHarness) async throws {
        try await give(ground, harness)
        let (claim, common) = (try #require(try await harness.claim()), harness.cluster.standingGrants)
        try await takeBack(ground, harness)
        harness.cluster.clearLog()
        harness.replicas[0].core.mirror.apply(.claims(.replaced([RunClaim(claim)])))
        harness.replicas[0].core.mirror.apply(.grants(common))
    }

    @Test(arguments: Ground.allCases)
    func aRevokedGroundStartsNoWaitingRequest(ground: Ground) async throws {
        let harness = try await GateHarness()
        let pending = try await harness[1].pendingRequest(for: run)
        try await show(ground, harness)
        let joined = try await harness[0].pendingRequest(for: run)
        #expect(joined.id == pending.id)
        #expect(harness.provisioning.isEmpty)
        #expect(harness.states == [.pending])
    }

    @Test(arguments: Ground.allCases)
    func aRevokedGroundStartsNoNewRequest(ground: Ground) async throws {
        let harness = try await GateHarness()
        try await show(ground, harness)
        _ = try? await harness[0].request(run: run, port: 3000, requester: "agent")
        #expect(harness.provisioning.isEmpty)
        #expect(!harness.states.contains(.consumed))
    }

    @Test(arguments: Ground.allCases)
    func aWaitingCallThatSeesARevokedGroundContinuesToWait(ground: Ground) async throws {
        let harness = try await GateHarness()
        let (pending, start) = try await harness.requestWithStaleCopies()
        try await show(ground, harness)
        // The call tries to start, and then reads the claim from the cluster.
        await waitUntil { harness.cluster.log.contains(.claim) }
        await harness.replicas[0].clock.waitForSleepers(1)
        #expect(harness.states == [.pending])
        #expect(harness.provisioning.isEmpty)
        try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
        try await harness.updateClaimCopy(of: 0)
        _ = try await start.value
        #expect(harness.cluster.approvals(of: run).map(\.automatic) == [nil])
        #expect(harness.states == [.consumed])
    }

    @Test func aParentsGrantIsLookedForOnceMore() async throws {
        let child = ControlHarness.otherRun
        let harness = try await GateHarness(facts: [child: RunFacts(parent: run)])
        harness.cluster.addSandbox(for: child, pod: "pod-2")
        try await give(.option, harness)
        let parent = try #require(try await harness.claim())
        let own = try #require(try await harness.claim(of: child))
        harness.replicas[0].core.mirror.apply(.claims(.replaced([RunClaim(parent), RunClaim(own)])))
        try await takeBack(.option, harness)
        _ = try? await harness[0].request(run: child, port: 3000, requester: "agent")
        #expect(harness.provisioning.isEmpty)
        #expect(!harness.cluster.approvals(of: child).contains { $0.state == .consumed })
    }

    @Test func anOptionRevokedRightBeforeTheWriteStartsNothing() async throws {
        let harness = try await GateHarness()
        let (_, start) = try await harness.requestWithStaleCopies()
        try await give(.option, harness)
        harness.cluster.interrupt(.replaceOnClaim) { try? await takeBack(.option, harness) }
        try await harness.updateClaimCopy(of: 0)
        await waitUntil { harness.cluster.claimAnnotations(of: run)[ApprovalAnnotation.autoApprove] == nil }
        await harness.replicas[0].clock.waitForSleepers(1)
        #expect(harness.states == [.pending])
        #expect(harness.provisioning.isEmpty)
        start.cancel()
        _ = await start.result
    }
}
