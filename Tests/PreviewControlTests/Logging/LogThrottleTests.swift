import Testing

@testable import PreviewControl

@Suite("LogThrottle", .timeLimit(.minutes(10)))
struct LogThrottleTests {
    @Test func oneLineOfACausePassesInAnIntervalAndTheRestIsCounted() {
        var throttle = LogThrottle<String>(interval: .seconds(60), maxCauses: 8)
        #expect(throttle.admit("quota", at: .seconds(5)) == 0)
        for second in 6..<65 { #expect(throttle.admit("quota", at: .seconds(second)) == nil) }
        #expect(throttle.admit("webhook", at: .seconds(10)) == 0, "another cause has its own line")
        #expect(throttle.admit("quota", at: .seconds(65)) == 59)
        #expect(throttle.admit("quota", at: .seconds(124)) == nil)
        #expect(throttle.admit("quota", at: .seconds(125)) == 1)
    }

    @Test func memoryIsBounded() {
        var throttle = LogThrottle<Int>(interval: .seconds(60), maxCauses: 3)
        for cause in 0..<1000 { #expect(throttle.admit(cause, at: .milliseconds(cause)) == 0) }
        #expect(throttle.causeCount == 3)
        #expect(throttle.admit(999, at: .seconds(2)) == nil, "the latest are the ones that are remembered")
    }
}
