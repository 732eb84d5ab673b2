import TestSupport
import Testing

@testable import PreviewControl

@Suite("The pauses between sweeps", .timeLimit(.minutes(10)))
struct SweepPausesTests {
    @Test func afterFailuresThePausesGrowFromHalfASecondToTheInterval() {
        var pauses = SweepPauses(interval: .seconds(60))
        let grown = (0..<9).map { _ in pauses.failed(jitter: 0) }
        #expect(grown == [0.5, 1, 2, 4, 8, 16, 32, 60, 60].map { Duration.seconds($0) })
        #expect(pauses.succeeded(jitter: 0) == .seconds(60))
        #expect(pauses.failed(jitter: 0) == .milliseconds(500))
    }

    @Test func replicasSweepAtDifferentTimes() {
        var pauses = SweepPauses(interval: .seconds(60))
        #expect(pauses.succeeded(jitter: 0.5) == .seconds(57))
        #expect(pauses.failed(jitter: 0.5) == .milliseconds(375))
    }

    @Test func noPauseIsLongerThanTheInterval() {
        var pauses = SweepPauses(interval: .milliseconds(200))
        #expect(pauses.failed(jitter: 0) == .milliseconds(200))
        #expect(pauses.failed(jitter: 0) == .milliseconds(200))
    }
}

@Suite("A sweep that failed", .timeLimit(.minutes(10)))
struct FailedSweepTests {
    private let run = ControlHarness.run
    private let unreachable = ClusterError(.unavailable, "the API server answered 500")

    private func sweeps(_ harness: ControlHarness) -> Int { harness.cluster.log.count { $0 == .livePods } }

    @Test func aFailedSweepAtTheStartIsRepeatedAfterHalfASecond() async throws {
        let harness = try await ControlHarness(isReady: false)
        harness.cluster.fail(.livePods, .before(unreachable))
        try await harness.withReaper {
            await waitUntil { harness.mirror.isFresh && sweeps(harness) >= 1 }
            await harness.clock.waitForSleepers(2)
            harness.clock.advance(by: .milliseconds(500))
            await waitUntil { harness.brake.reason == nil }
        }
    }

    @Test func eachFurtherFailureLengthensThePause() async throws {
        let harness = try await ControlHarness(isReady: false)
        harness.cluster.becomeUnreachable()
        try await harness.withReaper {
            // The feed's first change may cause another attempt at once.
            await waitUntil { harness.mirror.isFresh && sweeps(harness) >= 1 }
            for _ in 0..<20 {
                await harness.clock.waitForSleepers(2)
                harness.clock.advance(by: .seconds(60))
            }
            await harness.clock.waitForSleepers(2)
            let tried = sweeps(harness)
            #expect((15...30).contains(tried))
            harness.clock.advance(by: .seconds(10))
            #expect(sweeps(harness) == tried)
        }
    }

    @Test func aFailedSweepIsRepeatedAtOnceWhenTheAPIServerAnswersAnotherRequest() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        try await harness.withSleepingReaper {
            harness.cluster.becomeUnreachable()
            for _ in 0..<12 {
                harness.advance(by: .seconds(60))
                await harness.clock.waitForSleepers(2)
            }
            #expect(harness.brake.reason != nil)
            harness.cluster.becomeReachable()
            _ = try await harness.previews.keepAlive(run: run, token: token)
            await waitUntil { harness.brake.reason == nil }
        }
    }

    @Test func aFailedSweepIsLoggedOnceForEachCause() async throws {
        let log = RecordedLog()
        let harness = try await ControlHarness(isReady: false, log: log)
        harness.cluster.becomeUnreachable()
        try await harness.withReaper {
            await waitUntil { harness.mirror.isFresh && sweeps(harness) >= 1 }
            for _ in 0..<10 {
                await harness.clock.waitForSleepers(2)
                harness.clock.advance(by: .seconds(60))
            }
            await waitUntil { sweeps(harness) >= 10 }
            #expect(log.messages.count { $0 == "a sweep failed" } == 1)
            harness.cluster.becomeReachable()
            await harness.clock.waitForSleepers(2)
            harness.clock.advance(by: .seconds(60))
            await waitUntil { log.messages.contains("sweeps work again") }
        }
    }
}
