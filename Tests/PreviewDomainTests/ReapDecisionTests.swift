import FoundationEssentials
import Testing

@testable import PreviewDomain

@Suite struct ReapDecisionTests {
    static let policy = LifetimePolicy()
    static let endingWithTheRun = LifetimePolicy(keepsAfterRun: false)
    /// Every combination of what is known about pod and claim.
    static let presences = Presence.allCases.flatMap { pod in Presence.allCases.map { (pod, $0) } }
    static func at(_ seconds: Int) -> Date { Samples.createdAt + .seconds(seconds) }

    /// Seconds after the creation, on both sides of every limit of the default policy; nil is missing or unknown.
    static let offsets: [Int?] = [nil, -1, 0, 1, 1799, 1800, 1801, 28_799, 28_800, 28_801, 1_000_000]

    @Test func reasonsAreTheContracts() {
        #expect(ReapReason.allCases.map(\.rawValue) == ["pod-gone", "hard-cap", "idle", "orphan", "claim-gone"])
    }

    @Test func everyCombinationOfInputsFollowsThePrecedence() {
        var reasons: Set<ReapReason> = []
        for expires in Self.offsets {
            for maxUntil in Self.offsets {
                for now in Self.offsets {
                    for (pod, claim) in Self.presences {
                        let preview = Samples.preview(expiresAfter: expires, maxUntilAfter: maxUntil)
                        let decision = decide(
                            preview,
                            pod: pod,
                            claim: claim,
                            now: now.map(Self.at),
                            policy: Self.endingWithTheRun
                        )
                        let cap = min(maxUntil ?? 28_800, 28_800)
                        let expiry = expires ?? 1800
                        // The contract's precedence, spelled out once more in whole seconds.
                        let expected: ReapDecision =
                            if pod == .gone {
                                .reap(.podGone)
                            } else if let now, now >= cap {
                                .reap(.hardCap)
                            } else if let now, now >= expiry {
                                .reap(.idle)
                            } else if claim == .gone {
                                .reap(.claimGone)
                            } else {
                                .keep(until: Self.at(min(cap, expiry)))
                            }
                        #expect(
                            decision == expected,
                            "expires \(expires as Any), max \(maxUntil as Any), now \(now as Any), pod \(pod), claim \(claim)"
                        )
                        if case .reap(let reason) = decision { reasons.insert(reason) }
                    }
                }
            }
        }
        #expect(reasons == [.podGone, .hardCap, .idle, .claimGone])
    }

    @Test(arguments: Presence.allCases)
    func byDefaultPreviewsAreKeptAfterTheirRun(claim: Presence) {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        let decision = decide(preview, pod: .present, claim: claim, now: Self.at(59), policy: Self.policy)
        #expect(decision == .keep(until: Self.at(60)))
    }

    @Test func aGoneClaimEndsAPreviewEvenWithoutAKnownTime() {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        let decision = decide(preview, pod: .present, claim: .gone, now: nil, policy: Self.endingWithTheRun)
        #expect(decision == .reap(.claimGone))
    }

    @Test(arguments: Presence.allCases)
    func anUnknownTimeReapsNothingForAge(pod: Presence) {
        let preview = Samples.preview(expiresAfter: -1_000_000, maxUntilAfter: -1_000_000)
        let decision = decide(preview, pod: pod, claim: .unknown, now: nil, policy: Self.policy)
        #expect(decision == (pod == .gone ? .reap(.podGone) : .keep(until: Self.at(-1_000_000))))
    }

    @Test func anUnknownPodOrClaimIsNotAGoneOne() {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        let decision = decide(preview, pod: .unknown, claim: .unknown, now: Self.at(59), policy: Self.endingWithTheRun)
        #expect(decision == .keep(until: Self.at(60)))
    }

    @Test(arguments: Presence.allCases)
    func whatIsBeingDeletedIsLeftToWhoeverDeletesIt(pod: Presence) {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120, isBeingDeleted: true)
        let decision = decide(preview, pod: pod, claim: .unknown, now: Self.at(1000), policy: Self.policy)
        #expect(decision == .keep(until: .distantFuture))
    }

    @Test(
        "While idleness does not count, an expiry ends nothing, and everything else does",
        arguments: presences.filter { $0.0 != .gone }
    )
    func whileIdlenessDoesNotCountNothingIsIdle(pod: Presence, claim: Presence) {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        func decision(_ policy: LifetimePolicy, now: Int, idleFrom: Date) -> ReapDecision {
            decide(preview, pod: pod, claim: claim, now: Self.at(now), idleFrom: idleFrom, policy: policy)
        }
        for now in [59, 60, 99] {
            #expect(decision(Self.policy, now: now, idleFrom: Self.at(100)) == .keep(until: Self.at(100)))
        }
        #expect(decision(Self.policy, now: 100, idleFrom: Self.at(100)) == .reap(.idle))
        for idleFrom in [Self.at(121), .distantFuture] {
            #expect(decision(Self.policy, now: 119, idleFrom: idleFrom) == .keep(until: Self.at(120)))
            #expect(decision(Self.policy, now: 120, idleFrom: idleFrom) == .reap(.hardCap))
        }
        if claim == .gone {
            #expect(decision(Self.endingWithTheRun, now: 70, idleFrom: .distantFuture) == .reap(.claimGone))
        }
        #expect(
            decide(preview, pod: .gone, claim: claim, now: Self.at(70), idleFrom: .distantFuture, policy: Self.policy)
                == .reap(.podGone)
        )
    }

    @Test func keptUntilIsWhenTheNextJudgementReaps() {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        let first = decide(preview, pod: .present, claim: .present, now: Self.at(0), policy: Self.policy)
        guard case .keep(let until) = first else {
            Issue.record("reaped early")
            return
        }
        let second = decide(preview, pod: .present, claim: .present, now: until, policy: Self.policy)
        #expect(second == .reap(.idle))
    }
}
