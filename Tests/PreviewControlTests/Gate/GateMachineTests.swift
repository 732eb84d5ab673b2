import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The gate's decisions", .timeLimit(.minutes(10)))
struct GateMachineTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)
    private static let now = ClusterTimeReading(earliest: start, latest: start + .seconds(1))
    private static let pod = PodIdentity(name: "pod-1", uid: "pod-uid")
    private static let identity = ClaimIdentity(name: ControlHarness.run.claimName, uid: "claim-uid")

    private let request: GateRequest
    private let pending: Approval

    init() throws {
        let port = try #require(TargetPort(3000))
        let sandbox = BoundSandbox(claim: Self.identity, owner: nil, pod: Self.pod, selector: .perRunLabel)
        request = GateRequest(
            run: ControlHarness.run,
            port: port,
            requester: "agent",
            sandbox: sandbox,
            hostHeader: nil
        )
        pending = Approval(
            id: try #require(ApprovalRequestID(String(repeating: "a", count: 26))),
            run: ControlHarness.run,
            port: port,
            pod: Self.pod.name,
            podUID: Self.pod.uid,
            requester: "agent",
            requestedAt: Self.start,
            window: .seconds(300)
        )
    }

    // MARK: Values

    private func claim(_ approvals: Approval...) -> ClaimRecord {
        let annotations = approvals.map { (ApprovalAnnotation.approval($0.id), $0.text) }
        return ClaimRecord(
            identity: Self.identity,
            writtenRun: nil,
            resourceVersion: "1",
            ledger: ApprovalLedger(annotations: Dictionary(uniqueKeysWithValues: annotations))
        )
    }

    private var granted: Approval {
        get throws {
            try #require(
                pending.after(.approve(scope: .once, by: "ada", at: Self.start, usableFor: .seconds(300)))
            )
        }
    }

    private var grantedEntry: ApprovalLedger.Entry { get throws { ApprovalLedger.Entry(written: try granted) } }
    private var waiting: WaitingRequest {
        WaitingRequest(entry: ApprovalLedger.Entry(written: pending), claim: claim(pending))
    }
    private var ground: ApprovalGround { ApprovalGround(.setting, .setting) }

    private var started: StartedPreview {
        get throws {
            let token = try #require(PreviewToken("swift-falcon-amber-\(String(repeating: "a", count: 26))"))
            return StartedPreview(
                session: PreviewSession(
                    token: token,
                    targetPort: 3000,
                    podName: nil,
                    startedAt: Self.start,
                    expiresAt: Self.start,
                    maxUntil: Self.start,
                    readiness: Readiness(.serving)
                ),
                provisioning: .zero,
                waiting: .zero,
                isNew: true
            )
        }
    }

    // MARK: States and events

    /// Every state but the initial one, by what was asked for on entering it.
    private enum Place: String, CaseIterable {
        case initial, readClaim, followEarlierStarts, checkCapacity, findGround, findGroundWhileWaiting, raiseRequest
        case tellCaller, wait, readRequest, start, startAfterWait, followUsedGrant, ended
    }

    private enum Event: String, CaseIterable {
        case begin, claimRead, earlierPreview, earlierGivenBack, earlierEnded, capacityChecked, groundFound, noGround
        case raised, notRaised, told, undecided, open, used, refused, started, overtaken
        case followedPreview, followedGivenBack, followedEnded
    }

    private func machine(at place: Place) throws -> GateMachine {
        var machine = GateMachine(request)
        for event in path(to: place) { _ = try send(event, to: &machine, claim: place == .findGroundWhileWaiting) }
        return machine
    }

    private func path(to place: Place) -> [Event] {
        let toGround: [Event] = [.begin, .claimRead, .earlierEnded, .capacityChecked]
        let toWait: [Event] = toGround + [.noGround, .raised, .told]
        return switch place {
        case .initial: []
        case .readClaim: [.begin]
        case .followEarlierStarts: [.begin, .claimRead]
        case .checkCapacity: [.begin, .claimRead, .earlierEnded]
        case .findGround, .findGroundWhileWaiting: toGround
        case .raiseRequest: toGround + [.noGround]
        case .tellCaller: toGround + [.noGround, .raised]
        case .wait: toWait
        case .readRequest: toWait + [.open, .overtaken]
        case .start: toGround + [.groundFound]
        case .startAfterWait: toWait + [.open]
        case .followUsedGrant: toWait + [.used]
        case .ended: toWait + [.refused]
        }
    }

    /// - Parameter isWaiting: Whether a request of the same caller waits on the claim already.
    private func send(
        _ event: Event,
        to machine: inout GateMachine,
        claim isWaiting: Bool = false
    ) throws -> GateMachine.Action {
        let entry = try grantedEntry
        let permit = Permit(ground: .granted(entry), claim: claim(try granted))
        return switch event {
        case .begin: machine.begin()
        case .claimRead: machine.claimWasRead(isWaiting ? claim(pending) : claim(), now: Self.now)
        case .earlierPreview: machine.earlierStartsWereFollowed(.preview(try started))
        case .earlierGivenBack: machine.earlierStartsWereFollowed(.givenBack(entry, claim(try granted)))
        case .earlierEnded: machine.earlierStartsWereFollowed(.ended(nil))
        case .capacityChecked: machine.capacityWasChecked()
        case .groundFound: machine.groundWasSought(ground)
        case .noGround: machine.groundWasSought(nil)
        case .raised: machine.requestWasRaised(waiting)
        case .notRaised: machine.requestWasRaised(nil)
        case .told: machine.callerWasTold()
        case .undecided: machine.courseWasSeen(.undecided)
        case .open: machine.courseWasSeen(.open(permit))
        case .used: machine.courseWasSeen(.used(entry, claim(try granted)))
        case .refused: machine.courseWasSeen(.refused(pending))
        case .started: machine.startSucceeded(try started)
        case .overtaken: machine.startWasOvertaken(common: nil)
        case .followedPreview: machine.usedGrantWasFollowed(.preview(try started))
        case .followedGivenBack: machine.usedGrantWasFollowed(.givenBack(entry, claim(try granted)))
        case .followedEnded: machine.usedGrantWasFollowed(.ended(nil))
        }
    }

    /// What each event leads to where it belongs; everywhere else it ends the call.
    private func expected(_ place: Place, _ event: Event) -> String {
        switch (place, event) {
        case (.initial, .begin): "readClaim(copy)"
        case (.readClaim, .claimRead): "followEarlierStarts"
        case (.followEarlierStarts, .earlierPreview): "finish"
        case (.followEarlierStarts, .earlierGivenBack): "start"
        case (.followEarlierStarts, .earlierEnded): "checkCapacity"
        case (.checkCapacity, .capacityChecked): "findGround"
        case (.findGround, .groundFound), (.findGroundWhileWaiting, .groundFound): "start"
        case (.findGround, .noGround): "raiseRequest"
        case (.findGroundWhileWaiting, .noGround): "tellCaller"
        case (.raiseRequest, .raised): "tellCaller"
        case (.raiseRequest, .notRaised): "readClaim(cluster)"
        case (.tellCaller, .told): "wait"
        case (.wait, .undecided): "wait"
        case (.readRequest, .undecided): "wait after a refuted ground"
        case (.wait, .open), (.readRequest, .open): "start after the wait"
        case (.wait, .used), (.readRequest, .used): "followUsedGrant"
        case (.wait, .refused), (.readRequest, .refused): "refuse"
        case (.start, .started), (.startAfterWait, .started): "finish"
        case (.start, .overtaken): "readClaim(cluster)"
        case (.startAfterWait, .overtaken): "readRequest"
        case (.followUsedGrant, .followedPreview): "finish"
        case (.followUsedGrant, .followedGivenBack): "start after the wait"
        case (.followUsedGrant, .followedEnded): "refuse"
        default: "giveUp(unexpectedEvent)"
        }
    }

    private func name(_ action: GateMachine.Action) -> String {
        switch action {
        case .readClaim(let view): "readClaim(\(view))"
        case .followEarlierStarts: "followEarlierStarts"
        case .checkCapacity: "checkCapacity"
        case .findGround: "findGround"
        case .raiseRequest: "raiseRequest"
        case .tellCaller: "tellCaller"
        case .wait(_, nil): "wait"
        case .wait(_, .some): "wait after a refuted ground"
        case .readRequest: "readRequest"
        case .start(_, hasWaited: false): "start"
        case .start(_, hasWaited: true): "start after the wait"
        case .followUsedGrant: "followUsedGrant"
        case .finish: "finish"
        case .refuse: "refuse"
        case .giveUp(let reason): "giveUp(\(reason))"
        }
    }

    // MARK: Tests

    @Test func everyEventInEveryStateLeadsToItsActionOrEndsTheCall() throws {
        for place in Place.allCases {
            for event in Event.allCases {
                var machine = try machine(at: place)
                let action = name(try send(event, to: &machine))
                #expect(action == expected(place, event), "\(event) at \(place)")
                let isEnd = ["finish", "refuse", "giveUp(unexpectedEvent)"].contains(action)
                guard isEnd else { continue }
                for later in Event.allCases {
                    var ended = machine
                    #expect(name(try send(later, to: &ended)) == "giveUp(unexpectedEvent)", "\(later) after the end")
                }
            }
        }
    }

    @Test func aUsableGrantOfTheSameCallerStartsWithoutLookingForAGround() throws {
        var machine = GateMachine(request)
        _ = machine.begin()
        _ = machine.claimWasRead(claim(try granted), now: Self.now)
        _ = machine.earlierStartsWereFollowed(.ended(nil))
        #expect(name(machine.capacityWasChecked()) == "start")
    }

    @Test func aGrantThatMayHaveExpiredStartsNothing() throws {
        let late = Self.start + .seconds(299.5)
        var machine = GateMachine(request)
        _ = machine.begin()
        let uncertain = ClusterTimeReading(earliest: late, latest: late + .seconds(1))
        _ = machine.claimWasRead(claim(try granted), now: uncertain)
        _ = machine.earlierStartsWereFollowed(.ended(nil))
        #expect(name(machine.capacityWasChecked()) == "findGround")
    }

    @Test func aRequestThatMayStillWaitIsJoinedAndOneThatIsOverIsNot() throws {
        for (earliest, expected) in [(299.5, "tellCaller"), (300, "raiseRequest")] {
            let instant = Self.start + .seconds(earliest)
            var machine = GateMachine(request)
            _ = machine.begin()
            let now = ClusterTimeReading(earliest: instant, latest: instant + .seconds(1))
            _ = machine.claimWasRead(claim(pending), now: now)
            _ = machine.earlierStartsWereFollowed(.ended(nil))
            _ = machine.capacityWasChecked()
            #expect(name(machine.groundWasSought(nil)) == expected)
        }
    }

    @Test func aClaimThatChangesEachTimeEndsTheCall() throws {
        var machine = try machine(at: .raiseRequest)
        for _ in 1..<GateMachine.maxAttempts {
            #expect(name(try send(.notRaised, to: &machine)) == "readClaim(cluster)")
            _ = try send(.claimRead, to: &machine)
            #expect(name(try send(.earlierEnded, to: &machine)) == "findGround", "the capacity is checked once")
            _ = try send(.noGround, to: &machine)
        }
        #expect(name(try send(.notRaised, to: &machine)) == "giveUp(claimIsBusy)")
    }

    @Test func aStartThatIsOvertakenEachTimeEndsTheCall() throws {
        var machine = try machine(at: .start)
        for _ in 1..<GateMachine.maxAttempts {
            #expect(name(try send(.overtaken, to: &machine)) == "readClaim(cluster)")
            _ = try send(.claimRead, to: &machine)
            #expect(name(try send(.earlierEnded, to: &machine)) == "checkCapacity")
            _ = try send(.capacityChecked, to: &machine)
            _ = try send(.groundFound, to: &machine)
        }
        #expect(name(try send(.overtaken, to: &machine)) == "giveUp(claimIsBusy)")
    }

    @Test func aWaitingCallThatIsOvertakenEachTimeEnds() throws {
        var machine = try machine(at: .wait)
        for _ in 0..<GateMachine.maxAttempts {
            #expect(name(try send(.open, to: &machine)) == "start after the wait")
            #expect(name(try send(.overtaken, to: &machine)) == "readRequest")
        }
        #expect(name(try send(.open, to: &machine)) == "giveUp(claimIsBusy)")
    }

    @Test func aGrantThatIsGivenBackEachTimeEndsTheWaitingCall() throws {
        var machine = try machine(at: .wait)
        var uses = 0
        while name(try send(.used, to: &machine)) == "followUsedGrant" {
            uses += 1
            guard name(try send(.followedGivenBack, to: &machine)) == "start after the wait" else { break }
            uses += 1
            guard name(try send(.overtaken, to: &machine)) == "readRequest" else { break }
        }
        #expect(uses == GateMachine.maxAttempts)
    }
}
