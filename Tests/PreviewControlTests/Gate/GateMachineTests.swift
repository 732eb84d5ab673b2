import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The gate's decisions", .timeLimit(.minutes(10)))
struct GateMachineTests {
    private let samples: GateSamples

    init() throws { samples = try GateSamples() }

    // MARK: States and events

    /// Every state except the initial one, named after the action on entering it.
    private enum MachineState: String, CaseIterable {
        case initial, readClaim, followEarlierStarts, checkCapacity, findGround, findGroundWhileWaiting, createRequest
        case notifyCaller, wait, readRequest, start, startAfterWait, followUsedGrant, ended
    }

    private enum Event: String, CaseIterable {
        case begin, claimRead, earlierPreview, earlierGivenBack, earlierEnded, capacityChecked, groundFound, noGround
        case raised, notRaised, notified, undecided, open, used, refused, started, overtaken
        case followedPreview, followedGivenBack, followedEnded
    }

    private func machine(at state: MachineState) throws -> GateMachine {
        var machine = GateMachine(samples.request)
        for event in path(to: state) { _ = try send(event, to: &machine, claim: state == .findGroundWhileWaiting) }
        return machine
    }

    private func path(to state: MachineState) -> [Event] {
        let toGround: [Event] = [.begin, .claimRead, .earlierEnded, .capacityChecked]
        let toWait: [Event] = toGround + [.noGround, .raised, .notified]
        return switch state {
        case .initial: []
        case .readClaim: [.begin]
        case .followEarlierStarts: [.begin, .claimRead]
        case .checkCapacity: [.begin, .claimRead, .earlierEnded]
        case .findGround, .findGroundWhileWaiting: toGround
        case .createRequest: toGround + [.noGround]
        case .notifyCaller: toGround + [.noGround, .raised]
        case .wait: toWait
        case .readRequest: toWait + [.open, .overtaken]
        case .start: toGround + [.groundFound]
        case .startAfterWait: toWait + [.open]
        case .followUsedGrant: toWait + [.used]
        case .ended: toWait + [.refused]
        }
    }

    /// - Parameter isWaiting: Whether a request of the same caller already waits on the claim.
    private func send(
        _ event: Event,
        to machine: inout GateMachine,
        claim isWaiting: Bool = false
    ) throws -> GateMachine.Action {
        let entry = samples.grantedEntry
        let permit = Permit(ground: .granted(entry), claim: samples.claim(samples.granted))
        return switch event {
        case .begin: machine.begin()
        case .claimRead:
            machine.claimWasRead(isWaiting ? samples.claim(samples.pending) : samples.claim(), now: GateSamples.now)
        case .earlierPreview: machine.earlierStartsWereFollowed(.preview(samples.started))
        case .earlierGivenBack: machine.earlierStartsWereFollowed(.grantReturned(entry, samples.claim(samples.granted)))
        case .earlierEnded: machine.earlierStartsWereFollowed(.ended(nil))
        case .capacityChecked: machine.capacityWasChecked()
        case .groundFound: machine.groundWasSought(samples.ground)
        case .noGround: machine.groundWasSought(nil)
        case .raised: machine.requestWasCreated(samples.waiting)
        case .notRaised: machine.requestWasCreated(nil)
        case .notified: machine.callerWasNotified()
        case .undecided: machine.statusWasRead(.undecided)
        case .open: machine.statusWasRead(.permitted(permit))
        case .used: machine.statusWasRead(.used(entry, samples.claim(samples.granted)))
        case .refused: machine.statusWasRead(.refused(samples.pending))
        case .started: machine.startSucceeded(samples.started)
        case .overtaken: machine.startConflicted(common: nil)
        case .followedPreview: machine.usedGrantWasFollowed(.preview(samples.started))
        case .followedGivenBack: machine.usedGrantWasFollowed(.grantReturned(entry, samples.claim(samples.granted)))
        case .followedEnded: machine.usedGrantWasFollowed(.ended(nil))
        }
    }

    /// The action to which an event leads in a state in which it is valid; in every other state it ends the call.
    private func expected(_ state: MachineState, _ event: Event) -> String {
        switch (state, event) {
        case (.initial, .begin): "readClaim(copy)"
        case (.readClaim, .claimRead): "followEarlierStarts"
        case (.followEarlierStarts, .earlierPreview): "finish"
        case (.followEarlierStarts, .earlierGivenBack): "start"
        case (.followEarlierStarts, .earlierEnded): "checkCapacity"
        case (.checkCapacity, .capacityChecked): "findGround"
        case (.findGround, .groundFound), (.findGroundWhileWaiting, .groundFound): "start"
        case (.findGround, .noGround): "createRequest"
        case (.findGroundWhileWaiting, .noGround): "notifyCaller"
        case (.createRequest, .raised): "notifyCaller"
        case (.createRequest, .notRaised): "readClaim(cluster)"
        case (.notifyCaller, .notified): "wait"
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
        case .createRequest: "createRequest"
        case .notifyCaller: "notifyCaller"
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
        for state in MachineState.allCases {
            for event in Event.allCases {
                var machine = try machine(at: state)
                let action = name(try send(event, to: &machine))
                #expect(action == expected(state, event), "\(event) at \(state)")
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
        var machine = GateMachine(samples.request)
        _ = machine.begin()
        _ = machine.claimWasRead(samples.claim(samples.granted), now: GateSamples.now)
        _ = machine.earlierStartsWereFollowed(.ended(nil))
        #expect(name(machine.capacityWasChecked()) == "start")
    }

    @Test func aGrantThatMayHaveExpiredStartsNothing() throws {
        let late = GateSamples.start + .seconds(299.5)
        var machine = GateMachine(samples.request)
        _ = machine.begin()
        let uncertain = ClusterTimeReading(earliest: late, latest: late + .seconds(1))
        _ = machine.claimWasRead(samples.claim(samples.granted), now: uncertain)
        _ = machine.earlierStartsWereFollowed(.ended(nil))
        #expect(name(machine.capacityWasChecked()) == "findGround")
    }

    @Test func aRequestThatMayStillWaitIsJoinedAndOneThatIsOverIsNot() throws {
        for (earliest, expected) in [(299.5, "notifyCaller"), (300, "createRequest")] {
            let instant = GateSamples.start + .seconds(earliest)
            var machine = GateMachine(samples.request)
            _ = machine.begin()
            let now = ClusterTimeReading(earliest: instant, latest: instant + .seconds(1))
            _ = machine.claimWasRead(samples.claim(samples.pending), now: now)
            _ = machine.earlierStartsWereFollowed(.ended(nil))
            _ = machine.capacityWasChecked()
            #expect(name(machine.groundWasSought(nil)) == expected)
        }
    }

    @Test func aClaimThatChangesEachTimeEndsTheCall() throws {
        var machine = try machine(at: .createRequest)
        for _ in 1..<GateMachine.maxAttempts {
            #expect(name(try send(.notRaised, to: &machine)) == "readClaim(cluster)")
            _ = try send(.claimRead, to: &machine)
            #expect(name(try send(.earlierEnded, to: &machine)) == "findGround", "the capacity is checked once")
            _ = try send(.noGround, to: &machine)
        }
        #expect(name(try send(.notRaised, to: &machine)) == "giveUp(claimIsBusy)")
    }

    @Test func aGroundRevokedDuringTheStartRefusesACallThatHasNotWaited() throws {
        for isWaiting in [false, true] {
            var machine = try machine(at: .start)
            _ = try send(.overtaken, to: &machine)
            _ = try send(.claimRead, to: &machine, claim: isWaiting)
            _ = try send(.earlierEnded, to: &machine)
            _ = try send(.capacityChecked, to: &machine)
            let action = name(try send(.noGround, to: &machine))
            #expect(action == (isWaiting ? "notifyCaller" : "giveUp(groundIsGone)"))
        }
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
