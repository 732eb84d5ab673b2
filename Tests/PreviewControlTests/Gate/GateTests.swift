import Foundation
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The gate", .timeLimit(.minutes(1)))
struct GateTests {
    private let run = GateHarness.run

    @Test func nothingIsMadeBeforeAHumanOnAnotherReplicaApproves() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            #expect(harness.provisioning.isEmpty)
            #expect(pending.port.number == 3000)
            #expect(pending.requester == "agent")
            #expect(pending.deadline == pending.requestedAt + .seconds(300))

            try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")

            let token = try await start.value.session.token
            #expect(harness.cluster.liveRoutes == [token])
            #expect(harness.states == [.consumed])
            #expect(harness.kinds == [.approvalRequired, .approved, .started])
            let required = try #require(harness.timeline.events.first)
            #expect(required.details["requestId"] == pending.id.text)
            #expect(required.details["displayId"] == pending.id.displayID)
            #expect(required.details["toolName"] == "start_preview")
            #expect(required.details["url"] == "sandbox-preview:3000")
            #expect(harness.timeline.events.allSatisfy { !"\($0)".contains(token.text) })
        }
    }

    @Test func withWarmCachesTheGateCostsTwoRequests() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            harness.cluster.annotateClaim(
                of: run,
                [
                    ApprovalAnnotation.approval(pending.id): pending.text.replacingOccurrences(
                        of: "pending",
                        with: "granted"
                    )
                ]
            )
            _ = try await start.value
            #expect(
                harness.cluster.log == [
                    .resolveSandbox, .writeClaim, .resolveSandbox, .replaceOnClaim, .createService, .createRoute,
                    .routes,
                    .probe,
                ]
            )
        }
    }

    @Test func anAutomaticGrantCostsOneRequestAndIsWrittenDownFirst() async throws {
        let harness = try await GateHarness(approvals: ApprovalPolicy(approvesAutomatically: true))
        try await harness.run {
            _ = try await harness[0].start(run: run, port: 3000, requester: "agent")
            #expect(
                harness.cluster.log == [
                    .resolveSandbox, .writeClaim, .createService, .createRoute, .routes, .probe,
                ]
            )
            let approval = try #require(harness.cluster.approvals(of: run).first)
            #expect(approval.state == .consumed)
            #expect(approval.automatic == .setting)
            #expect(harness.kinds == [.autoApproved, .started])
        }
    }

    @Test func aDenialIsReportedAndNothingIsCreated() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            try await harness[1].deny(run: run, requestID: pending.id.text, by: "ada", reason: "Not that port.")
            let error = await start.refusal
            #expect(error?.kind == .approvalDenied)
            #expect(error?.message.contains("Not that port.") == true)
            #expect(harness.provisioning.isEmpty)
            #expect(harness.kinds == [.approvalRequired, .denied])
        }
    }

    @Test func aRequestThatIsNotDecidedInTimeEnds() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (_, start) = try await harness.requestPreview()
            await harness.replicas[0].clock.waitForSleepers(2)
            harness.advance(by: .seconds(299))
            #expect(harness.states == [.pending])
            harness.advance(by: .seconds(1))
            #expect(await start.refusal?.kind == .approvalTimedOut)
            #expect(harness.states == [.timedOut])
            #expect(harness.provisioning.isEmpty)
            #expect(harness.kinds == [.approvalRequired, .timedOut])
        }
    }

    @Test func aRequestWithoutAWaitingCallStillTimesOut() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            _ = try await harness[0].request(run: run, port: 3000, requester: "agent")
            await harness.replicas[1].clock.waitForSleepers(1)
            harness.advance(by: .seconds(301))
            let seen = try await harness[1].approvals(run: run)
            #expect(seen.map(\.state) == [.timedOut])
            await waitUntil { harness.states == [.timedOut] }
        }
    }

    // MARK: Joining and repeating a request

    @Test func askingAgainJoinsAndBothGetTheOnePreview() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, first) = try await harness.requestPreview(0)
            let (joined, second) = try await harness.requestPreview(1)
            #expect(joined == pending)
            #expect(harness.cluster.approvals(of: run).count == 1)
            try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
            let started = try await harness.whileTimePasses { try await [first.value, second.value] }
            #expect(started.count { $0.isNew } == 1)
            #expect(started.allSatisfy { [$0.session.token] == harness.cluster.liveRoutes })
            #expect(harness.states == [.consumed])
        }
    }

    @Test func anotherCallerPortOrRunIsAnotherRequest() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            for (port, requester) in [(3000, "agent"), (3001, "agent"), (3000, "ada"), (3000, "agent")] {
                _ = try await harness[0].request(run: run, port: port, requester: requester)
                await waitUntil { harness.replicas[0].core.mirror.isUpToDate(with: harness.cluster) }
            }
            #expect(harness.states == [.pending, .pending, .pending])
        }
    }

    @Test func aCallerThatDisconnectedUsesItsGrantOnce() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, caller) = try await harness.requestPreview()
            caller.cancel()
            _ = await caller.result
            #expect(harness.states == [.pending])
            try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
            #expect(harness.provisioning.isEmpty)

            let token = try await harness[1].start(run: run, port: 3000, requester: "agent").session.token
            #expect(harness.states == [.consumed])

            let again = try await harness[0].request(run: run, port: 3000, requester: "agent")
            #expect(again.started?.session.token == token)
            try await harness.replicas[0].previews.stop(run: run, token: token)
            let answer = try await harness[0].request(run: run, port: 3000, requester: "agent")
            guard case .pending = answer else {
                Issue.record("the grant was used twice")
                return
            }
            #expect(harness.cluster.liveRoutes.isEmpty)
        }
    }

    @Test func aGrantOlderThanTheWindowIsNotUsed() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let pending = try await harness[0].pendingRequest(for: run)
            try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
            harness.cluster.advance(by: .seconds(300))
            let next = try await harness[0].pendingRequest(for: run)
            #expect(next.id != pending.id)
            #expect(harness.states == [.withdrawn, .pending])
            #expect(harness.provisioning.isEmpty)
        }
    }

    // MARK: An approval is for one pod

    @Test func aPodReplacedWhileWaitingWithdrawsTheApproval() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            harness.cluster.replacePod(of: run)
            try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
            #expect(await start.refusal?.kind == .approvalWithdrawn)
            #expect(harness.states == [.withdrawn])
            #expect(harness.provisioning.isEmpty)
        }
    }

    @Test func aGrantForAnEarlierPodGivesWayToANewRequest() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let pending = try await harness[0].pendingRequest(for: run)
            try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
            harness.cluster.replacePod(of: run)
            _ = try await harness[0].request(run: run, port: 3000, requester: "agent")
            #expect(harness.states == [.withdrawn, .pending])
        }
    }

    @Test func aClaimThatGoesAwayEndsTheWait() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (_, start) = try await harness.requestPreview()
            await waitUntil { harness.replicas[0].core.mirror.isUpToDate(with: harness.cluster) }
            harness.cluster.removeClaim(of: run)
            #expect(await start.refusal?.kind == .approvalWithdrawn)
        }
    }

    @Test(arguments: [nil, "garbage", "{}"])
    func aRemovedOrUnreadableRequestEndsTheWait(text: String?) async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            await waitUntil { harness.replicas[0].core.mirror.isUpToDate(with: harness.cluster) }
            await harness.replicas[0].clock.waitForSleepers(2)
            harness.cluster.annotateClaim(of: run, [ApprovalAnnotation.approval(pending.id): text])
            #expect(await start.refusal?.kind == .approvalWithdrawn)
            #expect(harness.provisioning.isEmpty)
        }
    }

    /// Whoever waits for port 3000 must not start it with an approval that an operator has edited to be for 3001.
    @Test(arguments: ["pending", "granted"])
    func anApprovalThatWasEditedToBeForAnotherPortOpensNothing(state: String) async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            await waitUntil { harness.replicas[0].core.mirror.isUpToDate(with: harness.cluster) }
            await harness.replicas[0].clock.waitForSleepers(2)
            let text = pending.text.replacingOccurrences(of: #""port":3000"#, with: #""port":3001"#)
                .replacingOccurrences(of: "pending", with: state)
            #expect(text != pending.text)
            harness.cluster.annotateClaim(of: run, [ApprovalAnnotation.approval(pending.id): text])
            try await harness[1].setAutoApprove(run: run, to: true, by: "ada")
            #expect(await start.refusal?.kind == .approvalWithdrawn)
            #expect(harness.provisioning.isEmpty)
        }
    }

    // MARK: Order

    @Test func noApprovalIsRequestedBeyondALimit() async throws {
        let harness = try await GateHarness(approvals: ApprovalPolicy(approvesAutomatically: true))
        try await harness.run {
            for port in 3000..<3003 { _ = try await harness[0].start(run: run, port: port, requester: "agent") }
            harness.replicas[0].mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
            #expect(await harness[0].refusal(port: 3003)?.kind == .limitReached)
            #expect(harness.cluster.approvals(of: run).count == 3)
        }
    }

    @Test func aLimitReachedWhileWaitingLeavesTheGrantUnused() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            for port in 4000..<4003 {
                _ = try await harness.replicas[1].previews.start(run: run, port: port, requester: "ada")
            }
            harness.replicas[0].mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
            try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
            #expect(await start.refusal?.kind == .limitReached)
            #expect(harness.states == [.granted])
        }
    }

    @Test func aSeventeenthOpenRequestIsRefused() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            for port in 3000..<3016 { _ = try await harness[0].request(run: run, port: port, requester: "agent") }
            let error = await harness[0].refusal(port: 3016)
            #expect(error?.kind == .limitReached)
            #expect(error?.retryAfter != nil)
            harness.cluster.advance(by: .seconds(300))
            _ = try await harness[0].request(run: run, port: 3016, requester: "agent")
            #expect(harness.cluster.approvals(of: run).count == 16)
        }
    }
}
