import PreviewControl
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewServer

@Suite("A rate for each caller", .timeLimit(.minutes(10)))
struct RateLimiterTests {
    private let clock = ManualClock()

    private func limiter(perSecond: Double, burst: Int, maxCallers: Int = 10_000) -> RateLimiter {
        var limits = RequestLimits()
        limits.requestsPerSecond = perSecond
        limits.burst = burst
        limits.maxCallers = maxCallers
        return RateLimiter(limits: limits, time: MonotonicTime(clock))
    }

    @Test func aBurstIsGrantedAndThenTheRate() {
        let limiter = limiter(perSecond: 2, burst: 3)
        #expect((0..<3).allSatisfy { _ in limiter.take(for: "a") == nil })
        #expect(limiter.take(for: "a") == .milliseconds(500))
        clock.advance(by: .milliseconds(499))
        #expect(limiter.take(for: "a") == .milliseconds(1))
        clock.advance(by: .milliseconds(1))
        #expect(limiter.take(for: "a") == nil)
        #expect(limiter.take(for: "a") == .milliseconds(500))
    }

    @Test func refusedRequestsCostNothing() {
        let limiter = limiter(perSecond: 1, burst: 1)
        #expect(limiter.take(for: "a") == nil)
        for _ in 0..<100 { #expect(limiter.take(for: "a") == .seconds(1)) }
        clock.advance(by: .seconds(1))
        #expect(limiter.take(for: "a") == nil)
    }

    @Test func callersDoNotShareTheirRates() {
        let limiter = limiter(perSecond: 1, burst: 1)
        #expect(limiter.take(for: "a") == nil)
        #expect(limiter.take(for: "b") == nil)
        #expect(limiter.take(for: "a") != nil)
    }

    /// The number of requests that are granted to a caller, one for each of `runs`.
    private func granted(_ rates: CallerRates, _ role: Caller.Role, runs: [String]) throws -> Int {
        let caller = Caller(identity: "caller", role: role)
        var count = 0
        for run in runs {
            let run = try RunID(run)
            if (try? rates.take(for: caller, run: run)) != nil { count += 1 }
        }
        return count
    }

    @Test func inventedRunsDoNotRaiseTheRateOfTheServiceKey() throws {
        let limits = RequestLimits()
        let rates = CallerRates(limits: limits, time: MonotonicTime(clock))
        let count = try granted(rates, .service, runs: (0..<5_000).map { "run-\($0)" })
        #expect(count == limits.burst * limits.serviceRateFactor)
        clock.advance(by: .seconds(1))
        let later = try granted(rates, .service, runs: (5_000..<10_000).map { "run-\($0)" })
        #expect(later == Int(limits.requestsPerSecond) * limits.serviceRateFactor)
        #expect(try granted(rates, .user, runs: ["run-1"]) == 1)
    }

    @Test func aRunThatExceedsItsRateTakesNothingFromTheOthers() throws {
        let limits = RequestLimits()
        let rates = CallerRates(limits: limits, time: MonotonicTime(clock))
        let own = try granted(rates, .service, runs: Array(repeating: "run-0", count: 5_000))
        #expect(own == limits.burst)
        let others = limits.burst * (limits.serviceRateFactor - 1)
        #expect(try granted(rates, .service, runs: (1...others).map { "run-\($0)" }) == others)
    }

    @Test func overALongTimeNoCallerGetsMoreThanTheRate() {
        let limiter = limiter(perSecond: 10, burst: 5)
        var granted = 0
        // 100 s in steps of 7 ms, across many generations.
        for _ in 0..<14_286 {
            if limiter.take(for: "a") == nil { granted += 1 }
            clock.advance(by: .milliseconds(7))
        }
        #expect((990...1_006).contains(granted))
    }

    @Test func ofManyCallersOnlyTheNewestAreRemembered() {
        let limiter = limiter(perSecond: 1, burst: 100, maxCallers: 1_000)
        for caller in 0..<100_000 { _ = limiter.take(for: caller) }
        #expect(limiter.callerCount <= 2_000)
    }

    @Test func aDebtSurvivesTheChangeOfGenerations() {
        let limiter = limiter(perSecond: 1, burst: 10)
        clock.advance(by: .seconds(9))
        for _ in 0..<10 { #expect(limiter.take(for: "a") == nil) }
        clock.advance(by: .seconds(1))
        // The generation changes here, and the caller has one token rather than ten.
        #expect(limiter.take(for: "b") == nil)
        #expect(limiter.take(for: "a") == nil)
        #expect(limiter.take(for: "a") == .seconds(1))
    }
}
