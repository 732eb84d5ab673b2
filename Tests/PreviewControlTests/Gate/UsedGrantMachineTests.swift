import FoundationEssentials
import PreviewDomain
import Testing

@testable import PreviewControl

@Suite("Following a used grant", .timeLimit(.minutes(1)))
struct UsedGrantMachineTests {
    private let samples: GateSamples

    init() throws { samples = try GateSamples() }

    // MARK: States and events

    private enum MachineState: String, CaseIterable {
        case initial, findPreview, share, join, readClaim, pause, ended
    }

    private enum Event: String, CaseIterable {
        case begin, found, notFound, shared, notShared, joined, notJoined, pauseEnded
        case claimSame, claimChanged, grantedAgain, withdrawn, requestGone, claimGone, claimReplaced
    }

    private func machine(at state: MachineState) throws -> UsedGrantMachine {
        var machine = UsedGrantMachine(samples.usedEntry, on: samples.claim(samples.used), uptime: .zero)
        let path: [Event] =
            switch state {
            case .initial: []
            case .findPreview: [.begin]
            case .share: [.begin, .found]
            case .join: [.begin, .found, .shared]
            case .readClaim: [.begin, .notFound]
            case .pause: [.begin, .notFound, .claimSame]
            case .ended: [.begin, .notFound, .claimGone]
            }
        for event in path { _ = try send(event, to: &machine) }
        return machine
    }

    private func send(
        _ event: Event,
        to machine: inout UsedGrantMachine,
        previewEnd: EndedPreviews.End? = nil,
        now: Date = GateSamples.start,
        uptime: Duration = .zero,
        timeLeft: Duration? = nil
    ) throws -> UsedGrantMachine.Action {
        let claim: ClaimRecord?
        switch event {
        case .begin: return machine.begin()
        case .found: return machine.previewWasSought(samples.preview)
        case .notFound: return machine.previewWasSought(nil)
        case .shared: return machine.previewWasShared(true)
        case .notShared: return machine.previewWasShared(false)
        case .joined: return machine.previewWasJoined(samples.started)
        case .notJoined: return machine.previewWasJoined(nil)
        case .pauseEnded: return machine.pauseEnded()
        case .claimSame: claim = samples.claim(samples.used)
        case .claimChanged: claim = samples.claim(try samples.shared)
        case .grantedAgain: claim = samples.claim(samples.granted)
        case .withdrawn:
            let step = Approval.Step.withdraw(reason: "", at: GateSamples.start)
            claim = samples.claim(try #require(samples.granted.after(step)))
        case .requestGone: claim = samples.claim()
        case .claimGone: claim = nil
        case .claimReplaced: claim = samples.claim(samples.used, uid: "another")
        }
        return machine.claimWasRead(claim, previewEnd: previewEnd, now: now, uptime: uptime, timeLeft: timeLeft)
    }

    private func expected(_ state: MachineState, _ event: Event) -> String {
        switch (state, event) {
        case (.initial, .begin): "findPreview"
        case (.findPreview, .found): "share"
        case (.findPreview, .notFound): "readClaim"
        case (.share, .shared): "join"
        case (.share, .notShared): "readClaim"
        case (.join, .joined): "finish(preview)"
        case (.join, .notJoined): "readClaim"
        case (.readClaim, .claimSame): "pause"
        case (.readClaim, .claimChanged): "findPreview"
        case (.readClaim, .grantedAgain): "finish(grantReturned)"
        case (.readClaim, .withdrawn): "finish(ended)"
        case (.readClaim, .requestGone), (.readClaim, .claimGone), (.readClaim, .claimReplaced): "finish(gone)"
        case (.pause, .pauseEnded): "findPreview"
        default: "giveUp"
        }
    }

    private func name(_ action: UsedGrantMachine.Action) -> String {
        switch action {
        case .findPreview: "findPreview"
        case .share: "share"
        case .join: "join"
        case .readClaim: "readClaim"
        case .pause: "pause"
        case .finish(.preview): "finish(preview)"
        case .finish(.grantReturned): "finish(grantReturned)"
        case .finish(.ended(nil)): "finish(gone)"
        case .finish(.ended(.some)): "finish(ended)"
        case .timeOut: "timeOut"
        case .giveUp: "giveUp"
        }
    }

    // MARK: Tests

    @Test func everyEventInEveryStateLeadsToItsActionOrEndsIt() throws {
        for state in MachineState.allCases {
            for event in Event.allCases {
                var machine = try machine(at: state)
                let action = name(try send(event, to: &machine))
                #expect(action == expected(state, event), "\(event) at \(state)")
                guard action.hasPrefix("finish") || action == "giveUp" else { continue }
                for later in Event.allCases {
                    var ended = machine
                    #expect(name(try send(later, to: &ended)) == "giveUp", "\(later) after the end")
                }
            }
        }
    }

    @Test func theFirstActionNamesTheApprovalThatWasUsed() throws {
        var machine = try machine(at: .initial)
        guard case .findPreview(let approval) = machine.begin() else {
            Issue.record("the machine does not look for the preview")
            return
        }
        #expect(approval == samples.used)
    }

    @Test func whatHasChangedIsFollowedInsteadOfWhatWasRead() throws {
        var machine = try machine(at: .readClaim)
        guard case .findPreview(let approval) = try send(.claimChanged, to: &machine) else {
            Issue.record("the machine does not look for the preview")
            return
        }
        #expect(approval.isShared)
        guard case .share(let entry, let claim) = try send(.found, to: &machine) else {
            Issue.record("the machine does not share the preview")
            return
        }
        #expect(entry.approval.isShared)
        #expect(claim.ledger.entry(entry.approval.id)?.approval.isShared == true)
    }

    @Test func thePausesDoubleUpToTheLongest() throws {
        var machine = try machine(at: .readClaim)
        var pauses: [Duration] = []
        for _ in 0..<8 {
            guard case .pause(let pause) = try send(.claimSame, to: &machine) else {
                Issue.record("the machine does not pause")
                return
            }
            pauses.append(pause)
            _ = try send(.pauseEnded, to: &machine)
            _ = try send(.notFound, to: &machine)
        }
        #expect(pauses.prefix(3) == [.milliseconds(20), .milliseconds(40), .milliseconds(80)])
        #expect(pauses.suffix(2) == [UsedGrantOutcome.longestPause, UsedGrantOutcome.longestPause])
    }

    @Test(arguments: [
        // The time since the use, how the preview ended, the uptime since the following began, and the action.
        (Duration.seconds(19), EndedPreviews.End?.none, Duration.seconds(19), "pause"),
        (.seconds(20), nil, .zero, "finish(ended)"), (.zero, nil, .seconds(20), "finish(ended)"),
        (.zero, .stopped, .zero, "finish(ended)"), (.seconds(1), .seen(GateSamples.start), .zero, "pause"),
        (.seconds(2), .seen(GateSamples.start), .zero, "finish(ended)"),
    ])
    func aPreviewThatCannotComeAnyMoreIsNotWaitedFor(
        sinceUse: Duration,
        end: EndedPreviews.End?,
        uptime: Duration,
        expected: String
    ) throws {
        var machine = try machine(at: .readClaim)
        let now = GateSamples.start + sinceUse
        let action = try send(.claimSame, to: &machine, previewEnd: end, now: now, uptime: uptime)
        #expect(name(action) == expected)
    }

    @Test func aCallerWithoutTimeForAPauseLearnsWhenTheOutcomeIsCertain() throws {
        var machine = try machine(at: .readClaim)
        let enough = UsedGrantOutcome.firstPause + UsedGrantOutcome.finalCheckTime
        #expect(name(try send(.claimSame, to: &machine, timeLeft: enough)) == "pause")

        machine = try self.machine(at: .readClaim)
        let now = GateSamples.start + .seconds(5)
        let action = try send(.claimSame, to: &machine, now: now, timeLeft: enough - .milliseconds(1))
        guard case .timeOut(let untilOutcome) = action else {
            Issue.record("the machine does not end at the time limit")
            return
        }
        #expect(untilOutcome == UsedGrantOutcome.longestStart - .seconds(5))
    }

    @Test func aChangeIsLookedAtOnceMoreEvenAfterTheUsualTime() throws {
        var machine = try machine(at: .readClaim)
        let late = GateSamples.start + UsedGrantOutcome.longestStart
        #expect(name(try send(.claimChanged, to: &machine, now: late)) == "findPreview")
    }
}

@Suite("What a human's decision does to a request", .timeLimit(.minutes(1)))
struct HumanDecisionTests {
    private let samples: GateSamples

    init() throws { samples = try GateSamples() }

    /// One request in each state.
    private var requests: [Approval] {
        get throws {
            let instant = GateSamples.start
            return [
                samples.pending, samples.granted, samples.used,
                try #require(samples.pending.after(.deny(by: "ada", reason: nil, at: instant))),
                try #require(samples.pending.after(.expire(now: instant + GateSamples.window))),
                try #require(samples.pending.after(.withdraw(reason: "", at: instant))),
            ]
        }
    }

    private func name(
        _ decision: HumanDecision,
        on approval: Approval,
        by decider: String = "ada",
        now: ClusterTimeReading = GateSamples.now
    ) -> String {
        if decision.isWritten(on: approval, by: decider) { return "written" }
        let entry = ApprovalLedger.Entry(written: approval)
        return switch decision.step(on: entry, in: samples.claim(approval).ledger, by: decider, now: now) {
        case .expire: "expire"
        case .refuse: "refuse"
        case .write(let next, _): "write \(next.state.rawValue)"
        }
    }

    @Test func onlyARequestThatWaitsIsDecidedAndTheSameDecisionAgainIsNoError() throws {
        let (approve, deny) = (HumanDecision.approve(.once), HumanDecision.deny(reason: nil))
        let table: [Approval.State: (approved: String, denied: String)] = [
            .pending: ("write granted", "write denied"), .granted: ("written", "refuse"),
            .consumed: ("written", "refuse"), .denied: ("refuse", "written"), .timedOut: ("refuse", "refuse"),
            .withdrawn: ("refuse", "refuse"),
        ]
        #expect(try Set(requests.map(\.state)) == Set(table.keys))
        for request in try requests {
            let expected = try #require(table[request.state])
            #expect(name(approve, on: request) == expected.approved, "approve \(request.state)")
            #expect(name(deny, on: request) == expected.denied, "deny \(request.state)")
            guard request.state != .pending else { continue }
            #expect(name(approve, on: request, by: "grace") == "refuse", "another decider")
            #expect(name(deny, on: request, by: "grace") == "refuse", "another decider")
        }
    }

    /// A command of an operator has no settings of the service, and an operator may have edited the deadline.
    @Test(arguments: [(Duration.seconds(7), Duration.seconds(7)), (.seconds(7_000_000), Approval.longestWindow)])
    func aGrantCanBeUsedForTheTimeOutOfItsRequest(window: Duration, usableFor: Duration) throws {
        let request = Approval(
            id: samples.pending.id,
            run: samples.pending.run,
            port: samples.pending.port,
            pod: samples.pending.pod,
            podUID: samples.pending.podUID,
            requester: "agent",
            requestedAt: GateSamples.start,
            window: window
        )
        let step = HumanDecision.approve(.once)
            .step(
                on: ApprovalLedger.Entry(written: request),
                in: samples.claim(request).ledger,
                by: "ada",
                now: GateSamples.now
            )
        guard case .write(let granted, _) = step else {
            Issue.record("the decision is not written")
            return
        }
        #expect(granted.usableUntil == GateSamples.now.latest + usableFor)
    }

    @Test func aWiderScopeIsNotTheSameDecision() {
        let decision = HumanDecision.approve(.run)
        #expect(name(decision, on: samples.granted) == "refuse")
    }

    @Test func aRequestExpiresOnlyOnceItsDeadlineHasPassedForCertain() {
        let decision = HumanDecision.deny(reason: nil)
        let deadline = samples.pending.deadline
        let uncertain = ClusterTimeReading(earliest: deadline - 1, latest: deadline + 1)
        let certain = ClusterTimeReading(earliest: deadline, latest: deadline + 1)
        #expect(name(decision, on: samples.pending, now: uncertain) == "write denied")
        #expect(name(decision, on: samples.pending, now: certain) == "expire")
    }

    @Test(arguments: [(ApprovalScope.once, 1), (.run, 2), (.tool, 2), (.always, 1)])
    func aScopeOfTheRunIsWrittenWithTheDecision(scope: ApprovalScope, edits count: Int) throws {
        let entry = samples.waiting.entry
        let step = HumanDecision.approve(scope)
            .step(on: entry, in: samples.waiting.claim.ledger, by: "ada", now: GateSamples.now)
        guard case .write(let approval, let edits) = step else {
            Issue.record("the decision is not written")
            return
        }
        #expect(approval.scope == scope)
        #expect(edits.count == count)
        #expect(edits.first == entry.edit(to: approval))
    }
}
