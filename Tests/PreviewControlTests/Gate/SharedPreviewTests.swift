import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("One request, one preview", .timeLimit(.minutes(3)))
struct SharedPreviewTests {
    private let run = GateHarness.run

    private func approve(_ approval: Approval, _ harness: GateHarness) async throws {
        try await harness[1].approve(run: run, requestID: approval.id.text, scope: .once, by: "ada")
    }

    private func started(_ harness: GateHarness, _ number: Int = 0, by requester: String = "agent") async throws
        -> StartedPreview?
    {
        try await harness[number].request(run: run, port: 3000, requester: requester).started
    }

    // MARK: While the preview exists

    @Test func aCallThatWasGivenUpStartsThePreviewThatTheLiveCallGets() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, dead) = try await harness.requestPreview(0)
            let (_, live) = try await harness.requestPreview(0)
            try await approve(pending, harness)
            let (first, second) = try await harness.whileTimePasses { (try await dead.value, try await live.value) }
            #expect(first.session.token == second.session.token)
            #expect(second.session.readiness == first.session.readiness)
            #expect(harness.kinds == [.approvalRequired, .approved, .started])
        }
    }

    @Test func aRepeatedRequestGetsTheExistingPreviewOnAnyReplica() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            try await approve(pending, harness)
            let token = try await start.value.session.token
            for number in 0...1 {
                harness.cluster.clearLog()
                let again = try #require(try await started(harness, number))
                #expect(again.session.token == token)
                #expect(!again.isNew)
                #expect(harness.provisioning.isEmpty)
            }
            #expect(harness.states == [.consumed])
            #expect(try await started(harness, by: "somebody else") == nil)
        }
    }

    @Test func aPreviewThatTheCopyLacksIsShared() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            try await approve(pending, harness)
            let token = try await start.value.session.token
            harness.replicas[1].mirror.apply(.routes(.replaced([])))
            #expect(try await started(harness, 1)?.session.token == token)
            harness.replicas[1].mirror.apply(.interrupted(.routes))
            #expect(try await started(harness, 1)?.session.token == token)
        }
    }

    @Test func anAutomaticallyApprovedPreviewIsSharedToo() async throws {
        let harness = try await GateHarness(approvals: ApprovalPolicy(approvesAutomatically: true))
        try await harness.run {
            let token = try await #require(started(harness)).session.token
            #expect(try await started(harness)?.session.token == token)
            #expect(try await started(harness, 1)?.session.token == token)
            #expect(harness.states == [.consumed])
            #expect(harness.cluster.liveRoutes == [token])
        }
    }

    @Test func automaticStartsOfOneRequestAtTheSameTimeShareOnePreview() async throws {
        for seed in 1...100 as ClosedRange<UInt64> {
            let harness = try await GateHarness(
                approvals: ApprovalPolicy(approvesAutomatically: true),
                seed: seed
            )
            harness.cluster.interleave(seed: seed)
            try await harness.run {
                let tokens = try await harness.whileTimePasses {
                    async let first = started(harness, 0)
                    async let second = started(harness, 1)
                    async let third = started(harness, 1)
                    return try await [first, second, third].map { $0?.session.token }
                }
                #expect(Set(tokens) == Set(harness.cluster.liveRoutes), "seed \(seed)")
                #expect(tokens.count == 3 && harness.cluster.liveRoutes.count == 1, "seed \(seed)")
                #expect(harness.states == [.consumed], "seed \(seed)")
            }
        }
    }

    @Test func neitherALimitNorTheBrakeHidesAnExistingPreview() async throws {
        let harness = try await GateHarness(approvals: ApprovalPolicy(approvesAutomatically: true))
        try await harness.run {
            let token = try await #require(started(harness)).session.token
            for port in 4000..<4002 {
                _ = try await harness.replicas[1].previews.start(run: run, port: port, requester: "ada")
            }
            harness.replicas[0].mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
            #expect(await harness[0].refusal(port: 3001)?.kind == .limitReached)
            #expect(try await started(harness)?.session.token == token)
            harness.replicas[0].clock.advance(by: .seconds(3 * 3600))
            #expect(await harness[0].refusal(port: 3001)?.kind == .braked)
            #expect(try await started(harness)?.session.token == token)
        }
    }

    /// A keepalive would revive it.
    @Test func whileIdlenessDoesNotCountAnExpiredPreviewIsTheOneOfTheRequest() async throws {
        let harness = try await GateHarness(
            approvals: ApprovalPolicy(approvesAutomatically: true),
            outageGrace: .seconds(150)
        )
        try await harness.run {
            let token = try await #require(started(harness)).session.token
            harness.cluster.advance(by: .seconds(1800))
            for number in 0...1 { #expect(try await started(harness, number)?.session.token == token) }
            #expect(harness.states == [.consumed] && harness.cluster.liveRoutes == [token])
            let approval = try #require(harness.cluster.approvals(of: run).first)
            let session = try await harness[0].session(of: approval)
            #expect(session?.token == token)
        }
    }

    // MARK: After the preview has ended

    enum End: CaseIterable { case stopped, expired, podReplaced, removedByHand }

    @Test(arguments: End.allCases)
    func aPreviewThatHasEndedNeedsANewRequest(end: End) async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            try await approve(pending, harness)
            let token = try await start.value.session.token
            switch end {
            case .stopped: try await harness.replicas[1].previews.stop(run: run, token: token)
            case .expired: harness.cluster.advance(by: .seconds(1800))
            case .podReplaced: harness.cluster.replacePod(of: run)
            case .removedByHand: harness.cluster.removeRoute(token)
            }
            let index = harness.replicas[0].mirror
            if end == .stopped || end == .removedByHand {
                await waitUntil { index.end(of: token.fingerprint) != nil }
                // Before that time, a failed start could still give its grant back.
                harness.cluster.advance(by: UsedGrantOutcome.returnGrace)
            }
            let next = try await harness[0].pendingRequest(for: run)
            #expect(next.id != pending.id)
            #expect(harness.states == [.consumed, .pending])
        }
    }

    // MARK: Between the use of the grant and the preview

    @Test func aWaiterWaitsForThePreviewThatAnotherCallMakes() async throws {
        let harness = try await GateHarness()
        let gate = Barrier()
        try await harness.run {
            let (pending, first) = try await harness.requestPreview(0)
            let (_, second) = try await harness.requestPreview(1)
            harness.cluster.interrupt(.createRoute) { await gate.wait() }
            try await approve(pending, harness)
            await waitUntil { harness.cluster.log.contains(.createRoute) }
            // A third call, which did not wait, is in the same position.
            let third = Task { try await harness[1].start(run: run, port: 3000, requester: "agent") }
            let tokens = try await harness.whileTimePasses {
                await waitUntil { harness.cluster.log.count { $0 == .routesOfRun } > 3 }
                await gate.open()
                return try await [first.value, second.value, third.value].map(\.session.token)
            }
            #expect(Set(tokens).count == 1)
            #expect(harness.cluster.liveRoutes.count == 1)
            #expect(harness.states == [.consumed])
        }
    }

    @Test func aCallThatEndedInBetweenIsNotAwaitedForever() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, waiter) = try await harness.requestPreview()
            let used = try used(pending, at: harness.cluster.now)
            harness.cluster.annotateClaim(of: run, [ApprovalAnnotation.approval(pending.id): used.text])
            let error = try await harness.whileTimePasses { await waiter.refusal }
            #expect(error?.kind == .approvalUsed)
            #expect(error?.message.contains("Ask again") == true)
            #expect(harness.provisioning.isEmpty)
            // A new call gets the true reason within its time limit: the cluster was reached.
            let began = harness.replicas[1].clock.now
            let refusal = await #expect(throws: PreviewError.self) {
                try await harness.whileTimePasses {
                    try await harness[1].request(run: run, port: 3000, requester: "agent")
                }
            }
            #expect(began.duration(to: harness.replicas[1].clock.now) < ResponseDeadline.limit + .seconds(1))
            #expect(refusal?.kind == .clusterUnavailable)
            #expect(refusal?.message.hasPrefix("An earlier call has used the approval") == true)
            let pause = try #require(refusal?.retryAfter)
            #expect(pause > .zero && pause <= UsedGrantOutcome.longestStart + .seconds(1))
            // A call after the announced time creates a new request.
            harness.cluster.advance(by: pause + .seconds(1))
            await waitUntil { harness.replicas[1].core.mirror.isUpToDate(with: harness.cluster) }
            let answer = try await harness.whileTimePasses {
                try await harness[1].request(run: run, port: 3000, requester: "agent")
            }
            guard case .pending(let next) = answer else {
                Issue.record("the request started a preview without a grant")
                return
            }
            #expect(next.id != pending.id)
        }
    }

    @Test func anOldUseIsNotAwaited() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let pending = try await harness[0].pendingRequest(for: run)
            let used = try used(pending, at: harness.cluster.now)
            harness.cluster.annotateClaim(of: run, [ApprovalAnnotation.approval(pending.id): used.text])
            harness.cluster.advance(by: UsedGrantOutcome.longestStart)
            await waitUntil { harness.replicas[1].core.mirror.isUpToDate(with: harness.cluster) }
            let answer = try await harness[1].request(run: run, port: 3000, requester: "agent")
            #expect(answer.started == nil)
            #expect(harness.states == [.consumed, .pending])
        }
    }

    private func used(_ pending: Approval, at now: Date) throws -> Approval {
        let granted = pending.after(.approve(scope: .once, by: "ada", at: now, usableFor: .seconds(300)))
        return try #require(granted?.after(.use("somebody", preview: "0123abcd", at: now)))
    }

    // MARK: Secrecy

    @Test func theClaimHoldsTheFingerprintAndNeverTheToken() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (pending, start) = try await harness.requestPreview()
            try await approve(pending, harness)
            let token = try await start.value.session.token
            let approval = try #require(harness.cluster.approvals(of: run).first)
            #expect(approval.preview == token.fingerprint)
            #expect(!approval.text.contains(token.text))
            let session = try await harness[0].session(of: approval)
            #expect(session?.token == token)
            try await harness.replicas[0].previews.stop(run: run, token: token)
            #expect(try await harness[0].session(of: approval) == nil)
        }
    }
}

/// Holds its callers until it is opened.
actor Barrier {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        guard !isOpen else { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
