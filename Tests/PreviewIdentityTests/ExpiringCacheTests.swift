import TestSupport
import Testing

@testable import PreviewIdentity

@Suite("The cache whose entries expire", .timeLimit(.minutes(10)))
struct ExpiringCacheTests {
    private let clock = ManualClock()

    private func cache(of maxEntries: Int) -> ExpiringCache<Int, String> {
        ExpiringCache(maxEntries: maxEntries, uptime: clock.uptime)
    }

    @Test func anAnswerIsForgottenAtItsTime() {
        let cache = cache(of: 10)
        cache.insert("a", for: 1, lifetime: .seconds(10))
        clock.advance(by: .milliseconds(9999))
        #expect(cache[1] == "a")
        clock.advance(by: .milliseconds(1))
        #expect(cache[1] == nil)
        #expect(cache[2] == nil)
    }

    @Test func aNewAnswerReplacesTheOldOneAndItsTime() {
        let cache = cache(of: 2)
        cache.insert("a", for: 1, lifetime: .seconds(10))
        clock.advance(by: .seconds(5))
        cache.insert("b", for: 1, lifetime: .seconds(10))
        clock.advance(by: .seconds(9))
        #expect(cache[1] == "b")
    }

    @Test func theCacheNeverExceedsItsLimitAndKeepsTheNewest() {
        let cache = cache(of: 8)
        for key in 0..<1000 {
            cache.insert("\(key)", for: key, lifetime: .seconds(10))
            #expect(cache.count <= 8)
            #expect(cache[key] == "\(key)")
            if key >= 4 { #expect(cache[key - 4] != nil) }
        }
        #expect(cache[0] == nil)
    }
}
