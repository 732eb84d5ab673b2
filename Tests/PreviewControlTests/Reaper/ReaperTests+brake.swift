import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// Tests when the reaper engages the brake.
extension ReaperTests {
    @Test func theBrakeEngagesAfterTwoIntervalsWithoutASweepAndReleases() async throws {
        let harness = try await ControlHarness()
        #expect(harness.brake.reason == nil)
        harness.clock.advance(by: .seconds(121))
        #expect(harness.brake.reason != nil)
        try await harness.reaper.sweep()
        #expect(harness.brake.reason == nil)
    }

    @Test func aPreviewWhoseDeletionIsRefusedEngagesTheBrake() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .seconds(1801))
        harness.cluster.failAlways(.deleteRoute, ClusterError(.refused, "the API server answered 403"))
        for _ in 0..<4 {
            try await harness.reaper.sweep()
            harness.clock.advance(by: .seconds(60))
        }
        try await harness.reaper.sweep()
        #expect(harness.brake.reason == "1 preview is overdue and cannot be deleted: the API server answered 403")
        harness.cluster.stopFailing(.deleteRoute)
        try await harness.reaper.sweep()
        #expect(harness.brake.reason == nil)
        #expect(!harness.cluster.liveRoutes.contains(token))
    }

    @Test func aRefusedDeletionIsLoggedOnceAMinuteHoweverOftenItIsTried() async throws {
        let log = RecordedLog()
        let harness = try await ControlHarness(log: log)
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .seconds(1801))
        harness.cluster.failAlways(.deleteRoute, ClusterError(.refused, "the API server answered 403"))
        for _ in 0..<20 {
            try await harness.reaper.sweep()
            harness.clock.advance(by: .seconds(2))
        }
        let lines = log.lines.filter { $0.message == "a preview could not be deleted" }
        #expect(lines.count == 1)
        #expect(lines.first?.metadata["preview"] == token.fingerprint)
        #expect(lines.first?.metadata["run"] == "\(run.label)")
    }

    @Test func anObjectThatIsAlreadyBeingDeletedDoesNotEngageTheBrake() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.markRouteAsBeingDeleted(token)
        harness.cluster.advance(by: .seconds(100_000))
        for _ in 0..<4 {
            try await harness.reaper.sweep()
            harness.clock.advance(by: .seconds(60))
        }
        try await harness.reaper.sweep()
        #expect(harness.brake.reason == nil)
    }
}
