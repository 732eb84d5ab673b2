import FoundationEssentials
import TestSupport
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct ReapDecisionTests {
    static let policy = LifetimePolicy()
    static let endingWithTheRun = LifetimePolicy(keepsAfterRun: false)
    /// Every combination of the presence of the pod and of the claim.
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
                        let decision = reapDecision(
                            preview,
                            pod: pod,
                            claim: claim,
                            now: now.map(Self.at),
                            policy: Self.endingWithTheRun
                        )
                        let cap = min(maxUntil ?? 28_800, 28_800)
                        let expiry = expires ?? 1800
                        // The precedence of the contract, computed independently in whole seconds.
                        let expected: ReapDecision =
                            if pod == .gone {
                                .reap(.podGone)
                            } else if let now, now >= cap {
                                .reap(.hardCap, dueSince: Self.at(min(cap, expiry)))
                            } else if let now, now >= expiry {
                                .reap(.idle, dueSince: Self.at(expiry))
                            } else if claim == .gone {
                                .reap(.claimGone)
                            } else {
                                .keep(until: Self.at(min(cap, expiry)), then: expiry < cap ? .idle : .hardCap)
                            }
                        #expect(
                            decision == expected,
                            "expires \(expires as Any), max \(maxUntil as Any), now \(now as Any), pod \(pod), claim \(claim)"
                        )
                        if case .reap(let reason, _) = decision { reasons.insert(reason) }
                    }
                }
            }
        }
        #expect(reasons == [.podGone, .hardCap, .idle, .claimGone])
    }

    @Test(arguments: Presence.allCases)
    func byDefaultPreviewsAreKeptAfterTheirRun(claim: Presence) {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        let decision = reapDecision(preview, pod: .present, claim: claim, now: Self.at(59), policy: Self.policy)
        #expect(decision == .keep(until: Self.at(60), then: .idle))
    }

    @Test func aGoneClaimEndsAPreviewEvenWithoutAKnownTime() {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        let decision = reapDecision(preview, pod: .present, claim: .gone, now: nil, policy: Self.endingWithTheRun)
        #expect(decision == .reap(.claimGone))
    }

    @Test(arguments: Presence.allCases)
    func anUnknownTimeReapsNothingForAge(pod: Presence) {
        let preview = Samples.preview(expiresAfter: -1_000_000, maxUntilAfter: -1_000_000)
        let decision = reapDecision(preview, pod: pod, claim: .unknown, now: nil, policy: Self.policy)
        #expect(decision == (pod == .gone ? .reap(.podGone) : .keep(until: Self.at(-1_000_000), then: .hardCap)))
    }

    @Test func anUnknownPodOrClaimIsNotAGoneOne() {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        let decision = reapDecision(
            preview,
            pod: .unknown,
            claim: .unknown,
            now: Self.at(59),
            policy: Self.endingWithTheRun
        )
        #expect(decision == .keep(until: Self.at(60), then: .idle))
    }

    @Test(arguments: Presence.allCases)
    func aPreviewThatIsBeingDeletedIsNotReaped(pod: Presence) {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120, isBeingDeleted: true)
        let decision = reapDecision(preview, pod: pod, claim: .unknown, now: Self.at(1000), policy: Self.policy)
        #expect(decision == .leave)
    }

    @Test(
        "While idleness does not count, an expired preview is kept, and other reasons end it",
        arguments: presences.filter { $0.0 != .gone }
    )
    func whileIdlenessDoesNotCountNothingIsIdle(pod: Presence, claim: Presence) {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        func decision(_ policy: LifetimePolicy, now: Int, minExpiry: Date) -> ReapDecision {
            reapDecision(preview, pod: pod, claim: claim, now: Self.at(now), minExpiry: minExpiry, policy: policy)
        }
        for now in [59, 60, 99] {
            #expect(decision(Self.policy, now: now, minExpiry: Self.at(100)) == .keep(until: Self.at(100), then: .idle))
        }
        #expect(decision(Self.policy, now: 100, minExpiry: Self.at(100)) == .reap(.idle, dueSince: Self.at(60)))
        for minExpiry in [Self.at(121), .distantFuture] {
            #expect(decision(Self.policy, now: 119, minExpiry: minExpiry) == .keep(until: Self.at(120), then: .hardCap))
            #expect(decision(Self.policy, now: 120, minExpiry: minExpiry) == .reap(.hardCap, dueSince: Self.at(60)))
        }
        if claim == .gone {
            #expect(decision(Self.endingWithTheRun, now: 70, minExpiry: .distantFuture) == .reap(.claimGone))
        }
        #expect(
            reapDecision(
                preview,
                pod: .gone,
                claim: claim,
                now: Self.at(70),
                minExpiry: .distantFuture,
                policy: Self.policy
            )
                == .reap(.podGone)
        )
    }

    @Test func keptUntilIsWhenTheNextVerdictReaps() {
        let preview = Samples.preview(expiresAfter: 60, maxUntilAfter: 120)
        let first = reapDecision(preview, pod: .present, claim: .present, now: Self.at(0), policy: Self.policy)
        guard case .keep(let until, let reason) = first else {
            Issue.record("reaped early")
            return
        }
        let second = reapDecision(preview, pod: .present, claim: .present, now: until, policy: Self.policy)
        #expect(second == .reap(reason, dueSince: until))
    }

    // MARK: Generated previews

    /// Seconds from 1000 before to 39,000 after the creation; `nil` is missing or unknown.
    private static func offset(_ random: SeededRandom) -> Int? {
        random.unit() < 0.1 ? nil : Int(random.next() % 40_000) - 1000
    }

    private static func preview(_ random: SeededRandom) -> Preview {
        Samples.preview(
            expiresAfter: offset(random),
            maxUntilAfter: offset(random),
            isBeingDeleted: random.unit() < 0.05
        )
    }

    @Test func aPreviewIsKeptUntilTheInstantThatIsNamedAndNotLonger() {
        let random = SeededRandom(seed: 15)
        for _ in 0..<5000 {
            let preview = Self.preview(random)
            let presences = Self.presences[Int(random.next() % UInt64(Self.presences.count))]
            let minExpiry = random.unit() < 0.5 ? Date.distantPast : Self.at(Self.offset(random) ?? 0)
            func decision(_ now: Date?) -> ReapDecision {
                reapDecision(
                    preview,
                    pod: presences.0,
                    claim: presences.1,
                    now: now,
                    minExpiry: minExpiry,
                    policy: Self.endingWithTheRun
                )
            }
            let now = Self.offset(random).map(Self.at)
            switch decision(now) {
            case .keep(let until, let reason):
                if let now { #expect(now < until) }
                guard case .reap(let later, _) = decision(until) else {
                    Issue.record("\(preview) is kept for longer than until \(until)")
                    continue
                }
                #expect(later == reason)
                guard case .keep(until, reason) = decision(until - .milliseconds(1)) else {
                    Issue.record("\(preview) ends before \(until)")
                    continue
                }
            case .reap(let reason, let dueSince):
                // Only a known fact ends a preview, and an ended preview stays ended.
                switch reason {
                case .podGone: #expect(presences.0 == .gone)
                case .claimGone: #expect(presences.1 == .gone)
                case .idle, .hardCap: #expect(now != nil && (dueSince.map { $0 <= now ?? $0 } ?? false))
                case .orphan: Issue.record("a preview is no orphan")
                }
                if let now {
                    guard case .reap = decision(now + .seconds(1000)) else {
                        Issue.record("\(preview) came back")
                        continue
                    }
                }
            case .leave: #expect(preview.isBeingDeleted)
            }
        }
    }

    /// Otherwise a ping could be acknowledged for a preview that the reaper ends, or refused for one that it keeps.
    @Test func aPingIsRefusedExactlyWhereTheReaperActs() {
        let random = SeededRandom(seed: 16)
        for _ in 0..<5000 {
            let preview = Self.preview(random)
            let now = Self.at(Self.offset(random) ?? 0)
            let counts = random.unit() < 0.5
            let ping = Self.policy.keepalive(
                preview,
                now: (earliest: now, latest: now + .milliseconds(Int64(random.next() % 1000))),
                idlenessCounts: counts
            )
            let decision = reapDecision(
                preview,
                pod: .present,
                claim: .present,
                now: now,
                minExpiry: counts ? .distantPast : now + .seconds(1),
                policy: Self.policy
            )
            if case .keep = decision { #expect(ping != .expired, "\(preview)") } else { #expect(ping == .expired) }
            if case .extend(let until) = ping { #expect(until > now) }
        }
    }
}
