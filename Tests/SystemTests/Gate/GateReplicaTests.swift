import DevCluster
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Replicas of the gate on one API server", .timeLimit(.minutes(5)))
struct GateReplicaTests {
    @Test func aRequestOnOneReplicaIsDecidedOnAnother() async throws {
        try await GateCluster.with(replicas: 2) { cluster in
            let run = cluster.run
            let (pending, start) = try await cluster.requestPreview(0)
            #expect(cluster.provisioningCount == 0)
            try await cluster[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
            _ = try await start.value
            #expect(cluster.approvals.map(\.state) == [.consumed])
            #expect(cluster.routeCount == 1)
            #expect(cluster.serviceCount == 1)
            // One patch of the claim each for the request, the approval and the use.
            #expect(cluster.server.requestLog.count(verb: "patch") == 3)
            #expect(cluster.server.requestLog.count(verb: "create") == 2)
        }
    }

    @Test func aDenialOnAnotherReplicaMakesNothing() async throws {
        try await GateCluster.with(replicas: 2) { cluster in
            let run = cluster.run
            let (pending, start) = try await cluster.requestPreview(0)
            try await cluster[1].deny(run: run, requestID: pending.id.text, by: "ada")
            #expect(await start.refusal?.kind == .approvalDenied)
            #expect(cluster.provisioningCount == 0)
        }
    }

    @Test(arguments: [ApprovalScope.run, .tool, .always])
    func aStandingGrantIsSeenByAllReplicas(scope: ApprovalScope) async throws {
        try await GateCluster.with(replicas: 2) { cluster in
            let run = cluster.run
            let (pending, start) = try await cluster.requestPreview(0)
            try await cluster[1].approve(run: run, requestID: pending.id.text, scope: scope, by: "ada")
            _ = try await start.value
            for number in 0..<2 {
                _ = try await cluster[number].start(run: run, port: 3000, requester: "somebody else \(number)")
            }
            #expect(cluster.approvals.map(\.state) == [.consumed, .consumed, .consumed])
            #expect(cluster.approvals.filter { $0.automatic != nil }.count == 2)
        }
    }

    @Test func theOptionReleasesWhatWaitsOnAnotherReplica() async throws {
        try await GateCluster.with(replicas: 2) { cluster in
            let (_, start) = try await cluster.requestPreview(0)
            try await cluster[1].setAutoApprove(run: cluster.run, to: true, by: "ada")
            _ = try await start.value
            #expect(cluster.approvals.map(\.automatic) == [.runOption])
        }
    }

    // MARK: A replica that crashes

    enum Moment: CaseIterable { case beforeTheDecision, duringTheDecision, afterTheDecision }

    @Test(arguments: Moment.allCases)
    func aWaitingReplicaThatIsKilledLosesNeitherTheRequestNorTheGrant(moment: Moment) async throws {
        try await GateCluster.with(replicas: 3) { cluster in
            let run = cluster.run
            for round in 1...50 {
                let (pending, waiting) = try await cluster.requestPreview(0)
                if moment == .beforeTheDecision {
                    waiting.cancel()
                    _ = await waiting.result
                    #expect(cluster.state(of: pending) == .pending)
                }
                async let decided = cluster[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
                if moment == .duringTheDecision { waiting.cancel() }
                _ = try await decided
                waiting.cancel()
                _ = await waiting.result

                // Whichever came first, the grant leads to exactly one preview, now or when the caller returns.
                if cluster.state(of: pending) == .granted {
                    _ = try await cluster[2].start(run: run, port: 3000, requester: "agent")
                }
                #expect(cluster.state(of: pending) == .consumed, "round \(round)")
                #expect(cluster.routeCount == 1, "round \(round)")
                #expect(cluster.serviceCount == 1, "round \(round)")
                try await cluster.stopPreviews()
            }
        }
    }

    // MARK: Races

    @Test func theClickRacingTheTimeOutHasOneWinner() async throws {
        try await GateCluster.with(replicas: 2) { cluster in
            for round in 1...100 {
                let (pending, start) = try await cluster.requestPreview(0)
                await cluster.clock.waitForSleepers(3)
                cluster.advance(by: .seconds(299))
                let requests = cluster.provisioningCount
                // Time advances until there is a decision: a caller that starts to wait exactly at the deadline wakes a
                // moment later.
                let stillWaits = { @Sendable in cluster.state(of: pending) == .pending }
                let (refusal, isAccepted) = try await cluster.letTimePass(while: stillWaits) {
                    async let accepted = cluster[1].accepts(pending, by: "ada")
                    async let clock: Void = cluster.advance(by: .seconds(1))
                    let (refusal, isAccepted, _) = await (start.refusal?.kind, accepted, clock)
                    return (refusal, isAccepted)
                }

                #expect(isAccepted ? refusal == nil : refusal == .approvalTimedOut, "round \(round)")
                #expect(cluster.state(of: pending) == (isAccepted ? .consumed : .timedOut), "round \(round)")
                #expect(cluster.routeCount == (isAccepted ? 1 : 0), "round \(round)")
                #expect(isAccepted || cluster.provisioningCount == requests, "round \(round)")
                try await cluster.stopPreviews()
            }
        }
    }

    @Test func twoRetriesRacingForOneGrantShareOnePreview() async throws {
        try await GateCluster.with(replicas: 3) { cluster in
            let run = cluster.run
            for round in 1...100 {
                guard
                    case .pending(let pending) = try await cluster[0].request(run: run, port: 3000, requester: "agent")
                else {
                    Issue.record("round \(round): the request started a preview without a grant")
                    return
                }
                try await cluster[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
                let started = try await cluster.letTimePass(while: { cluster.routeCount > 0 }) {
                    async let first = cluster[0].start(run: run, port: 3000, requester: "agent")
                    async let second = cluster[2].start(run: run, port: 3000, requester: "agent")
                    return try await [first, second]
                }
                #expect(started.count { $0.isNew } == 1, "round \(round)")
                #expect(Set(started.map(\.session.token)).count == 1, "round \(round)")
                #expect(cluster.routeCount == 1, "round \(round)")
                #expect(cluster.serviceCount == 1, "round \(round)")
                try await cluster.stopPreviews()
            }
        }
    }

    // MARK: Conditions of the writes

    @Test func aWriteTestsTheGroundThatItRestsOn() async throws {
        try await GateCluster.with(replicas: 1) { cluster in
            let (run, store) = (cluster.run, cluster[0].store)
            let pending = try await cluster[0].pendingRequest(for: run)
            let identity = try #require(try await store.claim(of: run)?.identity)
            let on = try #require(try await store.setAutoApprove(true, of: identity))
            let entry = try #require(on.ledger.entry(pending.id))
            let condition = try #require(on.ledger.unchanged(ApprovalAnnotation.autoApprove))
            let now = pending.requestedAt
            let used = try #require(
                pending.after(.approveAutomatically(.runOption, at: now, usableFor: .seconds(300)))?
                    .after(.use("use", preview: "0123abcd", at: now))
            )
            _ = try await store.setAutoApprove(false, of: identity)
            #expect(try await store.replace([entry.edit(to: used), condition], of: identity) == nil)
            #expect(cluster.state(of: pending) == .pending)
            _ = try await store.setAutoApprove(true, of: identity)
            #expect(try await store.replace([entry.edit(to: used), condition], of: identity) != nil)
            #expect(cluster.state(of: pending) == .consumed)
        }
    }
}

extension AgentPreviewGate {
    fileprivate func accepts(_ approval: Approval, by decider: String) async -> Bool {
        (try? await approve(run: approval.run, requestID: approval.id.text, scope: .once, by: decider)) != nil
    }
}
