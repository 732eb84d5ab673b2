import FoundationEssentials
import TestSupport
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct PreviewLimitsTests {
    static let limits = PreviewLimits()

    @Test(
        arguments: [
            (0, 0, .allowed), (2, 19, .allowed), (3, 3, .runLimitReached(3)), (4, 4, .runLimitReached(3)),
            (0, 20, .globalLimitReached(20)), (2, 21, .globalLimitReached(20)), (3, 20, .runLimitReached(3)),
        ] as [(Int, Int, LimitDecision)]
    )
    func decisionsFollowTheLimits(runCount: Int, globalCount: Int, decision: LimitDecision) {
        #expect(Self.limits.decision(runCount: runCount, globalCount: globalCount) == decision)
    }

    @Test func aLimitOfZeroAllowsNothing() {
        #expect(PreviewLimits(perRun: 0, global: 20).decision(runCount: 0, globalCount: 0) == .runLimitReached(0))
    }

    @Test func withinOneSecondTheNameDecides() {
        let limits = PreviewLimits(perRun: 1, global: 20)
        let first = Self.rank(0, "a")
        let second = Self.rank(0, "b")
        #expect(!limits.requiresWithdrawal(of: first, among: [first, second]))
        #expect(limits.requiresWithdrawal(of: second, among: [first, second]))
    }

    @Test func theNewestWithdrawsWhateverItsName() {
        let limits = PreviewLimits(perRun: 1, global: 20)
        let old = Self.rank(0, "z")
        let new = Self.rank(1, "a")
        #expect(!limits.requiresWithdrawal(of: old, among: [new]))
        #expect(limits.requiresWithdrawal(of: new, among: [old]))
    }

    @Test func otherRunsCountForTheGlobalLimitOnly() {
        let mine = Self.rank(9, "mine", run: "mine")
        let others = (0..<19).map { Self.rank($0 / 5, "\($0)", run: "other-\($0 / 3)") }
        #expect(!Self.limits.requiresWithdrawal(of: mine, among: others))
        #expect(Self.limits.requiresWithdrawal(of: mine, among: others + [Self.rank(8, "19", run: "other")]))
    }

    @Test func exactlyTheExcessPreviewsWithdraw() {
        let random = SeededRandom(seed: 3)
        for _ in 0..<500 {
            let count = Int(random.next() % 12)
            let all = (0..<count).map { Self.rank(Int(random.next() % 3), "\($0)-\(random.next())") }
            let limits = PreviewLimits(perRun: Int(random.next() % 6), global: Int(random.next() % 8))
            let withdrawn = all.filter { limits.requiresWithdrawal(of: $0, among: all) }
            let limit = min(limits.perRun, limits.global)
            #expect(withdrawn.count == max(0, count - limit))
            let staying = all.filter { !withdrawn.contains($0) }
            for old in staying {
                for new in withdrawn { #expect(old.isOlder(than: new)) }
            }
        }
    }

    @Test func mineIsNotCountedTwice() {
        let limits = PreviewLimits(perRun: 1, global: 1)
        let mine = Self.rank(0, "a")
        #expect(!limits.requiresWithdrawal(of: mine, among: [mine]))
    }

    @Test func aPreviewThatWasReadBackHasItsRank() {
        let preview = Samples.preview()
        let rank = PreviewRank(preview)
        #expect(rank.createdAt == Samples.createdAt)
        #expect(rank.token == Samples.token())
        #expect(rank.run == Samples.runLabel())
    }

    private static func rank(_ second: Int, _ token: String, run: String = "run") -> PreviewRank {
        PreviewRank(
            createdAt: Samples.createdAt + .seconds(second),
            token: Samples.token(token),
            run: Samples.runLabel(run)
        )
    }
}
