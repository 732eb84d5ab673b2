import Basics
import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewServer

@Suite("Pending requests of child runs", .timeLimit(.minutes(2)))
struct ChildRequestsTests {
    /// A class, because an expectation cannot mutate a value.
    private final class Subject {
        private var decisions = ChildRequests()

        var hasStreams: Bool { decisions.hasStreams }

        func open(_ run: RunID, as bearer: Secret) -> ChildRequests.StreamID { decisions.open(run, as: bearer) }

        func close(_ stream: ChildRequests.StreamID) { decisions.close(stream) }

        func requests(for stream: ChildRequests.StreamID) -> [Approval] { decisions.requests(for: stream) }

        func pendingChanged(_ pending: [RunID: [Approval]]) -> [ChildRequests.StreamID] {
            decisions.pendingChanged(pending)
        }

        func nextLookup() -> ChildRequests.Lookup? { decisions.nextLookup() }

        func lookup(_ lookup: ChildRequests.Lookup, ended answer: ChildRequests.Answer) -> [ChildRequests.StreamID] {
            decisions.lookup(lookup, ended: answer)
        }

        /// Performs all lookups with the answers of `shows`.
        ///
        /// - Returns: How often each bearer token was used.
        func lookUp(_ shows: (RunID, Secret) -> ChildRequests.Answer) -> [Secret: Int] {
            var used: [Secret: Int] = [:]
            while let lookup = decisions.nextLookup() {
                used[lookup.bearer, default: 0] += 1
                _ = decisions.lookup(lookup, ended: shows(lookup.run, lookup.bearer))
            }
            return used
        }
    }

    private let subject = Subject()
    private let parent = run(1)
    private let child = run(2)
    private let other = run(3)
    private let ada = Secret("adas-token")
    private let grace = Secret("graces-token")

    private func pending(_ run: RunID, _ port: Int = 3000) throws -> Approval {
        let random = SeededRandom(seed: UInt64(port))
        return Approval(
            id: try ApprovalRequestID.mint { random.bytes($0) },
            run: run,
            port: try #require(TargetPort(port)),
            pod: "pod-1",
            podUID: "uid-1",
            requester: "agent",
            requestedAt: Date(timeIntervalSince1970: 1_800_000_000 + Double(port)),
            window: .seconds(300)
        )
    }

    @Test func nothingIsRequestedWithoutAStreamOrWithoutAPendingRequest() throws {
        #expect(subject.nextLookup() == nil)
        _ = subject.pendingChanged([child: [try pending(child)]])
        #expect(subject.nextLookup() == nil)
        _ = subject.pendingChanged([:])
        _ = subject.open(parent, as: ada)
        #expect(subject.nextLookup() == nil)
    }

    /// Every answer of the core API, for a reader of the parent and for one of another run.
    @Test(arguments: [true, false], [ChildRequests.Answer.shown(parent: run(1)), .shown(parent: nil), .hidden])
    func onlyAReaderOfTheParentToWhomTheRunIsShownGetsItsRequests(
        readsParent: Bool,
        answer: ChildRequests.Answer
    ) throws {
        let stream = subject.open(readsParent ? parent : other, as: ada)
        let approval = try pending(child)
        #expect(subject.pendingChanged([child: [approval]]) == [])
        let lookup = try #require(subject.nextLookup())
        #expect(lookup.run == child && lookup.bearer == ada)
        #expect(subject.nextLookup() == nil)
        let changed = subject.lookup(lookup, ended: answer)
        let isShown = readsParent && answer == .shown(parent: parent)
        #expect(changed == (isShown ? [stream] : []))
        #expect(subject.requests(for: stream) == (isShown ? [approval] : []))
        #expect(subject.nextLookup() == nil)
    }

    @Test func aMissingAnswerIsRequestedAgain() throws {
        let stream = subject.open(parent, as: ada)
        _ = subject.pendingChanged([child: [try pending(child)]])
        let first = try #require(subject.nextLookup())
        #expect(subject.lookup(first, ended: .unavailable) == [])
        #expect(subject.requests(for: stream) == [])
        #expect(subject.nextLookup() == first)
    }

    @Test func aReaderOfTheParentToWhomTheRunIsNotShownGetsNothing() throws {
        let (adas, graces) = (subject.open(parent, as: ada), subject.open(parent, as: grace))
        let approval = try pending(child)
        _ = subject.pendingChanged([child: [approval]])
        let used = subject.lookUp { [ada, parent] _, bearer in bearer == ada ? .shown(parent: parent) : .hidden }
        #expect(used == [ada: 1, grace: 1])
        #expect(subject.requests(for: adas) == [approval])
        #expect(subject.requests(for: graces) == [])
    }

    @Test func onceTheParentIsKnownOnlyItsReadersBearersAreUsed() throws {
        _ = subject.open(other, as: grace)
        _ = subject.open(parent, as: ada)
        _ = subject.pendingChanged([child: [try pending(child)]])
        let used = subject.lookUp { [parent] _, _ in .shown(parent: parent) }
        #expect(used == [ada: 1])
        _ = subject.open(other, as: Secret("another-token"))
        #expect(subject.nextLookup() == nil)
        let later = subject.open(parent, as: grace)
        let usedLater = subject.lookUp { [parent] _, _ in .shown(parent: parent) }
        #expect(usedLater == [grace: 1])
        #expect(subject.requests(for: later).count == 1)
    }

    @Test func allStreamsOfAReaderGetTheRequestsAfterOneAnswer() throws {
        let first = subject.open(parent, as: ada)
        let second = subject.open(parent, as: ada)
        _ = subject.pendingChanged([child: [try pending(child)]])
        let lookup = try #require(subject.nextLookup())
        #expect(Set(subject.lookup(lookup, ended: .shown(parent: parent))) == [first, second])
        let third = subject.open(parent, as: ada)
        #expect(subject.nextLookup() == nil)
        #expect(subject.requests(for: third).count == 1)
    }

    @Test func aFurtherRequestAndADecisionOfAKnownChildNotifyItsReadersAlone() throws {
        let stream = subject.open(parent, as: ada)
        _ = subject.open(other, as: grace)
        let (first, second) = (try pending(child, 3000), try pending(child, 3001))
        _ = subject.pendingChanged([child: [second]])
        _ = subject.lookUp { [parent] _, _ in .shown(parent: parent) }
        #expect(subject.pendingChanged([child: [second]]) == [])
        #expect(subject.pendingChanged([child: [first, second]]) == [stream])
        #expect(subject.requests(for: stream) == [first, second])
        #expect(subject.pendingChanged([:]) == [stream])
        #expect(subject.requests(for: stream) == [])
        #expect(subject.nextLookup() == nil)
    }

    @Test func aRunThatIsItsOwnParentIsNoChild() throws {
        let stream = subject.open(child, as: ada)
        _ = subject.pendingChanged([child: [try pending(child)]])
        _ = subject.lookUp { [child] _, _ in .shown(parent: child) }
        #expect(subject.requests(for: stream) == [])
    }

    @Test func aReaderWhoLeavesDuringALookupGetsNothingAndIsForgotten() throws {
        let stream = subject.open(parent, as: ada)
        _ = subject.pendingChanged([child: [try pending(child)]])
        let lookup = try #require(subject.nextLookup())
        subject.close(stream)
        #expect(!subject.hasStreams)
        #expect(subject.lookup(lookup, ended: .shown(parent: parent)) == [])
        let again = subject.open(parent, as: ada)
        #expect(subject.requests(for: again) == [])
        #expect(subject.nextLookup()?.reader != lookup.reader)
    }

    @Test func theParentOfARunIsSearchedForWithALimitedNumberOfBearers() throws {
        for number in 0...ChildRequests.maxReaders { _ = subject.open(parent, as: Secret("token-\(number)")) }
        _ = subject.pendingChanged([child: [try pending(child)]])
        let used = subject.lookUp { _, _ in .hidden }
        #expect(used.count == ChildRequests.maxReaders)
        #expect(used[Secret("token-0")] == nil)
    }

    @Test func furtherRunsAreFollowedWhenOthersHaveNoRequestsAnyMore() throws {
        _ = subject.open(parent, as: ada)
        let runs = (0...ChildRequests.maxRuns).map { run(16 + $0) }
        let all = Dictionary(uniqueKeysWithValues: try runs.map { ($0, [try pending($0)]) })
        _ = subject.pendingChanged(all)
        let used = subject.lookUp { _, _ in .hidden }
        #expect(used == [ada: ChildRequests.maxRuns])
        #expect(subject.nextLookup() == nil)
        _ = subject.pendingChanged([child: [try pending(child)]])
        let usedLater = subject.lookUp { _, _ in .hidden }
        #expect(usedLater == [ada: 1])
    }
}

private func run(_ number: Int) -> RunID {
    let digits = String(number, radix: 16)
    return RunID.known("3f2a9c1e-0000-4000-8000-\(String(repeating: "0", count: 12 - digits.count))\(digits)")
}
