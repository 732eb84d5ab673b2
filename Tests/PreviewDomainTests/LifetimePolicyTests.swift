import Basics
import FoundationEssentials
import TestSupport
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct LifetimePolicyTests {
    static let policy = LifetimePolicy()
    static let idle = 30 * 60
    static let cap = 8 * 60 * 60

    static func at(_ seconds: Double) -> Date { Samples.createdAt.addingTimeInterval(seconds) }
    static func now(_ seconds: Double) -> (earliest: Date, latest: Date) { (at(seconds), at(seconds)) }

    @Test(
        arguments: [(1800, 180, 180), (1800, 60, 60), (1800, 600, 180), (5, 180, 0.5), (1800, 0, 0)]
            as [(Double, Double, Double)]
    )
    func marginIsAtMostATenthOfTheIdleTimeout(idle: Double, coalesce: Double, margin: Double) {
        let policy = LifetimePolicy(idleTimeout: .seconds(idle), keepaliveCoalesce: .seconds(coalesce))
        #expect(policy.keepaliveMargin == .seconds(margin))
    }

    @Test func aNewPreviewLivesForTheIdleTimeoutAndNeverPastTheCap() {
        let started = Self.at(0.25)
        let usual = Self.policy.initialDeadlines(startedAt: started)
        #expect(usual.expiresAt == started + .seconds(1800))
        #expect(usual.maxUntil == started + .seconds(8 * 3600))
        let short = LifetimePolicy(maxLifetime: .seconds(60)).initialDeadlines(startedAt: started)
        #expect(short.expiresAt == started + .seconds(60))
        #expect(short.maxUntil == started + .seconds(60))
    }

    @Test(
        "A keepalive writes, skips or refuses",
        arguments: [
            // (expires-at, max-until, now, decision), in seconds after the creation; nil is missing.
            (idle, cap, 60, .extend(to: at(60 + 1800 + 180))),
            (2000, cap, 200, .alreadyAlive(expiresAt: at(2000))),
            (2000, cap, 200.001, .extend(to: at(200.001 + 1980))),
            (2000, cap, 1999.9, .extend(to: at(1999.9 + 1980))),
            (2000, cap, 2000, .expired),
            (2000, cap, 9000, .expired),
            (nil, nil, 60, .extend(to: at(60 + 1980))),
            (nil, nil, 0, .alreadyAlive(expiresAt: at(1800))),
            (nil, nil, 1800, .expired),
            // Near the cap an extension ends at the cap, and is written once.
            (cap - 100, cap, Double(cap - 300), .extend(to: at(Double(cap)))),
            (cap, cap, Double(cap - 1), .alreadyAlive(expiresAt: at(Double(cap)))),
            (cap, cap, Double(cap), .expired),
            (cap * 2, cap * 2, Double(cap - 1), .alreadyAlive(expiresAt: at(Double(cap)))),
            (cap * 2, cap * 2, Double(cap), .expired),
            // A max-until before the cap limits the expiry.
            (900, 600, 300, .alreadyAlive(expiresAt: at(600))),
            (500, 600, 300, .extend(to: at(600))),
            (900, 600, 600, .expired),
        ] as [(Int?, Int?, Double, KeepaliveDecision)]
    )
    func aKeepaliveWritesSkipsOrRefuses(
        expiresAfter: Int?,
        maxUntilAfter: Int?,
        now: Double,
        decision: KeepaliveDecision
    ) {
        let preview = Samples.preview(expiresAfter: expiresAfter, maxUntilAfter: maxUntilAfter)
        #expect(Self.policy.keepalive(preview, now: Self.now(now)) == decision)
    }

    @Test func aPreviewThatIsBeingDeletedIsNotKeptAlive() {
        let preview = Samples.preview(expiresAfter: 1800, maxUntilAfter: 28_800, isBeingDeleted: true)
        #expect(Self.policy.keepalive(preview, now: Self.now(1)) == .expired)
    }

    @Test(
        "While idleness does not count, only a preview that has idled too long is revived",
        arguments: [
            (1800, cap, 1800, .extend(to: at(1800 + 1980))), (1800, cap, 9000, .extend(to: at(9000 + 1980))),
            (1800, cap, 60, .extend(to: at(60 + 1980))), (1800, cap, Double(cap - 300), .extend(to: at(Double(cap)))),
            (1800, cap, Double(cap), .expired), (900, 600, 600, .expired), (nil, nil, Double(cap), .expired),
        ] as [(Int?, Int?, Double, KeepaliveDecision)]
    )
    func onlyIdlePreviewsAreRevivedWhileIdlenessDoesNotCount(
        expiresAfter: Int?,
        maxUntilAfter: Int?,
        now: Double,
        decision: KeepaliveDecision
    ) {
        let preview = Samples.preview(expiresAfter: expiresAfter, maxUntilAfter: maxUntilAfter)
        #expect(Self.policy.keepalive(preview, now: Self.now(now), idlenessCounts: false) == decision)
        let deleted = Samples.preview(expiresAfter: expiresAfter, maxUntilAfter: maxUntilAfter, isBeingDeleted: true)
        #expect(Self.policy.keepalive(deleted, now: Self.now(now), idlenessCounts: false) == .expired)
    }

    @Test func anUncertainClockPromisesFromTheLatestInstant() {
        let preview = Samples.preview(expiresAfter: 1800, maxUntilAfter: Self.cap)
        let decision = Self.policy.keepalive(preview, now: (Self.at(100), Self.at(101)))
        #expect(decision == .extend(to: Self.at(101 + 1980)))
        let longer = Samples.preview(expiresAfter: 1900, maxUntilAfter: Self.cap)
        #expect(
            Self.policy.keepalive(longer, now: (Self.at(99), Self.at(100))) == .alreadyAlive(expiresAt: Self.at(1900))
        )
        #expect(Self.policy.keepalive(longer, now: (Self.at(100), Self.at(101))) == .extend(to: Self.at(101 + 1980)))
    }

    @Test func anUncertainClockNeitherRevivesNorRefusesWhatTheReaperWouldKeep() {
        let preview = Samples.preview(expiresAfter: 1800, maxUntilAfter: Self.cap)
        for (earliest, latest) in [(1799.0, 1799.5), (1799.5, 1800.5), (1799.9, 1800), (1800, 1801), (1801, 1802)] {
            let decision = Self.policy.keepalive(preview, now: (Self.at(earliest), Self.at(latest)))
            let judged = reapDecision(
                preview,
                pod: .present,
                claim: .present,
                now: Self.at(earliest),
                policy: Self.policy
            )
            #expect(
                (decision == .expired) == (judged == .reap(.idle, dueSince: Self.at(Double(Self.idle)))),
                "between \(earliest) and \(latest)"
            )
        }
    }

    @Test func acknowledgedPingsHoldAndAtMostOneInFourWrites() throws {
        var expiresAt = Self.at(Double(Self.idle))
        var writes = 0
        var pings = 0
        for second in stride(from: 60, through: 6 * 3600, by: 60) {
            let now = Self.at(Double(second))
            pings += 1
            let preview = Self.preview(expiresAt: expiresAt)
            switch Self.policy.keepalive(preview, now: (now, now)) {
            case .expired: Issue.record("expired after \(second) s")
            case .alreadyAlive(let until): #expect(until >= now + .seconds(1800))
            case .extend(let until):
                writes += 1
                // The expiry has the precision of the annotation.
                expiresAt = try #require(RFC3339.date(RFC3339.string(until)))
                #expect(expiresAt >= now + .seconds(1800))
                #expect(expiresAt <= now + .seconds(1980))
            }
        }
        #expect(pings == 360)
        #expect(writes * 4 <= pings)
    }

    @Test func latePingsHoldAndAtMostOneInThreeWrites() throws {
        // If the interval is longer than 60 s, the third ping after a write exceeds the slack of exactly three
        // intervals.
        let random = SeededRandom(seed: 7)
        var expiresAt = Self.at(Double(Self.idle))
        var writes = 0
        var pings = 0
        var seconds = 0.0
        while seconds < 6 * 3600 {
            seconds += 60 + random.unit() * 0.5
            pings += 1
            let earliest = Self.at(seconds - random.unit() * 0.02)
            let latest = Self.at(seconds + random.unit() * 0.02)
            let preview = Self.preview(expiresAt: expiresAt)
            switch Self.policy.keepalive(preview, now: (earliest, latest)) {
            case .expired: Issue.record("expired after \(seconds) s")
            case .alreadyAlive(let until): #expect(until >= Self.at(seconds) + .seconds(1800))
            case .extend(let until):
                writes += 1
                expiresAt = try #require(RFC3339.date(RFC3339.string(until)))
                #expect(expiresAt >= Self.at(seconds) + .seconds(1800))
            }
        }
        #expect(writes * 3 <= pings + 3)
    }

    @Test func keepalivesNeverReachPastTheCap() {
        var expiresAt = Self.at(Double(Self.idle))
        var lastAnswered = 0
        for second in stride(from: 60, through: Self.cap + 600, by: 60) {
            switch Self.policy.keepalive(Self.preview(expiresAt: expiresAt), now: Self.now(Double(second))) {
            case .expired: continue
            case .alreadyAlive(let until): #expect(until <= Self.at(Double(Self.cap)))
            case .extend(let until):
                #expect(until <= Self.at(Double(Self.cap)))
                #expect(until > expiresAt)
                expiresAt = until
            }
            lastAnswered = second
        }
        #expect(lastAnswered == Self.cap - 60)
    }

    private static func preview(expiresAt: Date) -> Preview {
        Samples.preview(
            annotations: [
                PreviewAnnotations.Key.expiresAt: RFC3339.string(expiresAt),
                PreviewAnnotations.Key.maxUntil: RFC3339.string(at(Double(cap))),
            ]
        )
    }
}
