import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Decisions about requests", .timeLimit(.minutes(1)))
struct DecisionTests {
    private let run = GateHarness.run
    private let child = ControlHarness.otherRun

    private func pending(_ harness: GateHarness, port: Int = 3000) async throws -> Approval {
        try await harness[0].pendingRequest(for: run, port: port)
    }

    @Test(arguments: [
        (ApprovalScope.once, [false, false]), (.run, [true, false]), (.tool, [true, true]), (.always, [true, false]),
    ])
    func aGrantCoversLaterRequestsAsItsScopeSays(scope: ApprovalScope, covers: [Bool]) async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let approval = try await pending(harness)
            try await harness[1].approve(run: run, requestID: approval.id.text, scope: scope, by: "ada")
            let token = try await harness[0].start(run: run, port: 3000, requester: "agent").session.token
            try await harness.replicas[1].previews.stop(run: run, token: token)
            await waitUntil { harness.replicas[1].core.mirror.isUpToDate(with: harness.cluster) }
            for (port, isCovered) in zip([3000, 3001], covers) {
                let answer = try await harness[1].request(run: run, port: port, requester: "agent")
                #expect(answer.isStarted == isCovered, "\(scope) for \(port)")
            }
        }
    }

    @Test func alwaysCoversOtherRunsAndTheOtherScopesDoNot() async throws {
        for scope in ApprovalScope.allCases {
            let harness = try await GateHarness()
            harness.cluster.addSandbox(for: child, pod: "pod-2")
            try await harness.run {
                let approval = try await pending(harness)
                try await harness[1].approve(run: run, requestID: approval.id.text, scope: scope, by: "ada")
                await waitUntil { harness.replicas[0].core.mirror.isUpToDate(with: harness.cluster) }
                let answer = try await harness[0].request(run: child, port: 3000, requester: "agent")
                #expect(answer.isStarted == (scope == .always))
            }
        }
    }

    @Test func aStandingGrantReleasesWhatWaitsAlready() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (_, start) = try await harness.requestPreview(port: 3001)
            await harness.replicas[0].clock.waitForSleepers(2)
            try await harness[1].setAutoApprove(run: run, to: true, by: "ada")
            _ = try await start.value
            let approval = try #require(harness.cluster.approvals(of: run).last)
            #expect(approval.state == .consumed)
            #expect(approval.automatic == .runOption)
            #expect(harness.kinds == [.approvalRequired, .autoApproved, .started])
        }
    }

    @Test func theOptionCanBeSwitchedOffAgain() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            try await harness[0].setAutoApprove(run: run, to: true, by: "ada")
            try await harness[1].setAutoApprove(run: run, to: false, by: "ada")
            await waitUntil { harness.replicas[0].core.mirror.isUpToDate(with: harness.cluster) }
            let answer = try await harness[0].request(run: run, port: 3000, requester: "agent")
            #expect(!answer.isStarted)
        }
    }

    @Test func anOptionSwitchedOffJustBeforeTheStartStartsNothing() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            try await harness[0].setAutoApprove(run: run, to: true, by: "ada")
            await waitUntil { harness.replicas[0].core.mirror.isUpToDate(with: harness.cluster) }
            harness.cluster.interrupt(.writeClaim) {
                try? await harness[1].setAutoApprove(run: run, to: false, by: "ada")
            }
            #expect(await harness[0].refusal()?.kind == .approvalWithdrawn)
            #expect(harness.provisioning.isEmpty)
        }
    }

    @Test func theCoreAPIsOptionAndTheParentRunsGrantsCount() async throws {
        let parent = run
        let table: [(RunFacts, parentOption: Bool, ApprovalScope?, AutomaticGrant?)] = [
            (RunFacts(), false, nil, nil),
            (RunFacts(approvesToolsAutomatically: true), false, nil, .runOption),
            (RunFacts(parent: parent), false, nil, nil),
            (RunFacts(parent: parent), true, nil, .parentOption),
            (RunFacts(parent: parent), false, .once, nil),
            (RunFacts(parent: parent), false, .run, .parentRunGrant),
            (RunFacts(parent: parent), false, .tool, .parentToolGrant),
        ]
        for (facts, parentOption, scope, ground) in table {
            let harness = try await GateHarness(facts: [child: facts])
            harness.cluster.addSandbox(for: child, pod: "pod-2")
            try await harness.run {
                if let scope {
                    let approval = try await pending(harness)
                    try await harness[0].approve(run: parent, requestID: approval.id.text, scope: scope, by: "ada")
                }
                if parentOption { try await harness[0].setAutoApprove(run: parent, to: true, by: "ada") }
                await waitUntil { harness.replicas[1].core.mirror.isUpToDate(with: harness.cluster) }
                _ = try await harness[1].request(run: child, port: 3000, requester: "agent")
                #expect(harness.cluster.approvals(of: child).map(\.automatic) == [ground])
            }
        }
    }

    @Test func theSameDecisionTwiceIsNoErrorAndAnotherOneIs() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let id = try await pending(harness).id.text
            try await harness[0].approve(run: run, requestID: id, scope: .run, by: "ada")
            try await harness[1].approve(run: run, requestID: id, scope: .run, by: "ada")
            for attempt in [
                { try await harness[1].approve(run: run, requestID: id, scope: .run, by: "bob") },
                { try await harness[1].approve(run: run, requestID: id, scope: .once, by: "ada") },
                { try await harness[1].deny(run: run, requestID: id, by: "ada") },
            ] as [@Sendable () async throws -> Approval] {
                let error = await #expect(throws: PreviewError.self) { _ = try await attempt() }
                #expect(error?.kind == .noPendingApproval)
            }
            #expect(harness.states == [.granted])
        }
    }

    /// A name is stored only up to a limit; a second decision with the same long name must compare equal to the first.
    @Test func theSameDecisionTwiceIsNoErrorHoweverLongTheNameIs() async throws {
        let name = String(repeating: "ö", count: 300)
        let harness = try await GateHarness()
        try await harness.run {
            let id = try await pending(harness).id.text
            let other = try await pending(harness, port: 3001).id.text
            for _ in 0..<2 {
                try await harness[0].approve(run: run, requestID: id, scope: .once, by: name)
                try await harness[1].deny(run: run, requestID: other, by: name)
            }
            #expect(harness.states == [.granted, .denied])
        }
    }

    @Test(arguments: ["", "nonsense", "aaaaaaaaaaaaaaaaaaaaaaaaaa"])
    func aRequestThatIsNotThereCannotBeDecided(id: String) async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let error = await #expect(throws: PreviewError.self) {
                try await harness[0].approve(run: run, requestID: id, scope: .once, by: "ada")
            }
            #expect(error?.kind == .approvalNotFound)
        }
    }

    @Test func aRequestOfAnotherRunCannotBeDecided() async throws {
        let harness = try await GateHarness()
        harness.cluster.addSandbox(for: child, pod: "pod-2")
        try await harness.run {
            let id = try await pending(harness).id.text
            let error = await #expect(throws: PreviewError.self) {
                try await harness[0].approve(run: child, requestID: id, scope: .once, by: "ada")
            }
            #expect(error?.kind == .approvalNotFound)
            #expect(harness.states == [.pending])
        }
    }

    @Test func anApprovalAfterTheDeadlineTimesTheRequestOut() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let id = try await pending(harness).id.text
            harness.cluster.advance(by: .seconds(300))
            let error = await #expect(throws: PreviewError.self) {
                try await harness[1].approve(run: run, requestID: id, scope: .always, by: "ada")
            }
            #expect(error?.kind == .noPendingApproval)
            #expect(harness.states == [.timedOut])
            #expect(harness.cluster.standingGrants.grants.isEmpty)
        }
    }

    @Test func alwaysThatCouldNotBeWrittenDownCanBeSentAgain() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let id = try await pending(harness).id.text
            harness.cluster.fail(.addCommonGrant, .before(ClusterError(.unavailable, "the API server answered 500")))
            let error = await #expect(throws: PreviewError.self) {
                try await harness[1].approve(run: run, requestID: id, scope: .always, by: "ada")
            }
            #expect(error?.kind == .clusterUnavailable)
            #expect(harness.states == [.granted])
            try await harness[0].approve(run: run, requestID: id, scope: .always, by: "ada")
            #expect(harness.cluster.standingGrants.grants.count == 1)
        }
    }

    @Test func aLongPollReturnsWithTheDecisionOfAnotherReplica() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let id = try await pending(harness).id.text
            async let seen = harness[0].approval(run: run, requestID: id, wait: .seconds(30))
            await harness.replicas[0].clock.waitForSleepers(2)
            try await harness[1].deny(run: run, requestID: id, by: "ada")
            let state = try await seen.state
            #expect(state == .denied)
        }
    }

    @Test func aLongPollEndsWithItsTime() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let id = try await pending(harness).id.text
            async let seen = harness[0].approval(run: run, requestID: id, wait: .seconds(30))
            await harness.replicas[0].clock.waitForSleepers(2)
            harness.advance(by: .seconds(30))
            let state = try await seen.state
            #expect(state == .pending)
        }
    }
}

extension GateDecision {
    fileprivate var isStarted: Bool { if case .started = self { true } else { false } }
}
