import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// A preview whose viewer keeps pinging survives any outage that is shorter than what is left of its cap.
@Suite("Previews in use survive an outage", .timeLimit(.minutes(10)))
struct OutageTests {
    private let run = ControlHarness.run
    private static let grace = Duration.seconds(150)

    private func harness(
        _ cluster: SimulatedCluster = SimulatedCluster(),
        idle: Duration = .seconds(1800),
        sweepInterval: Duration = .seconds(60)
    ) async throws -> ControlHarness {
        try await ControlHarness(
            cluster: cluster,
            policy: .testing(
                lifetime: LifetimePolicy(idleTimeout: idle),
                sweepInterval: sweepInterval,
                outageGrace: Self.grace
            )
        )
    }

    /// Lets minutes pass; in each of them the replica sweeps, and a viewer pings if there is a token.
    private func pass(minutes: Int, _ harness: ControlHarness, pinging token: PreviewToken? = nil) async throws {
        for _ in 0..<minutes {
            harness.advance(by: .seconds(60))
            if let token { _ = try? await harness.previews.keepAlive(run: run, token: token) }
            try? await harness.reaper.sweep()
        }
    }

    // MARK: The API server is away

    @Test func oneLineSaysThatTheAPIServerIsLostAndOneThatItIsBack() async throws {
        let log = RecordedLog()
        let harness = try await ControlHarness(log: log)
        harness.cluster.becomeUnreachable()
        for _ in 0..<3 { try? await harness.reaper.sweep() }
        harness.cluster.becomeReachable()
        for _ in 0..<3 { try await harness.reaper.sweep() }
        #expect(
            log.messages.filter { $0.hasPrefix("the API server") } == [
                "the API server cannot be reached", "the API server answers again",
            ]
        )
    }

    @Test("A viewer that pings every minute keeps its preview", arguments: [true, false])
    func aViewerThatPingsKeepsItsPreview(pingsReachThisReplica: Bool) async throws {
        let harness = try await harness()
        let token = try await harness.startPreview().token
        try await pass(minutes: 5, harness)
        harness.cluster.becomeUnreachable()
        try await pass(minutes: 40, harness, pinging: pingsReachThisReplica ? token : nil)
        harness.cluster.becomeReachable()
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token], "its viewer had no chance to ping yet")
        try await pass(minutes: 2, harness)
        let kept = try await harness.previews.keepAlive(run: run, token: token)
        #expect(kept.expiresAt >= harness.cluster.now + .seconds(1800))
        try await pass(minutes: 20, harness)
        #expect(harness.cluster.liveRoutes == [token])
        #expect(harness.cluster.liveBackends == [token])
    }

    @Test func aPreviewWithoutPingsAfterwardsEndsWithTheGraceAndNotBefore() async throws {
        let harness = try await harness()
        let token = try await harness.startPreview().token
        harness.cluster.becomeUnreachable()
        try await pass(minutes: 40, harness)
        harness.cluster.becomeReachable()
        try await harness.reaper.sweep()
        try await pass(minutes: 2, harness)
        harness.advance(by: .seconds(29))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        harness.advance(by: .seconds(1))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func anOutageOfLessThanAMinuteChangesNothing() async throws {
        let harness = try await harness()
        let token = try await harness.startPreview().token
        try await pass(minutes: 29, harness)
        harness.cluster.becomeUnreachable()
        for _ in 0..<6 {
            harness.advance(by: .seconds(10))
            try? await harness.reaper.sweep()
        }
        harness.cluster.becomeReachable()
        #expect(harness.cluster.liveRoutes == [token])
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    /// The viewer's pings may all have gone to another replica, which could not record them either.
    @Test(arguments: [Duration.seconds(12), .seconds(20), .seconds(35)])
    func anOutageOfUnderAMinuteEndsNothingWhereTheIdleTimeoutIsShortToo(idle: Duration) async throws {
        let harness = try await harness(idle: idle, sweepInterval: .seconds(1))
        let token = try await harness.startPreview().token
        try await harness.reaper.sweep()
        for _ in 0..<Int(Self.grace / .seconds(1)) {
            harness.advance(by: .seconds(1))
            _ = try await harness.previews.keepAlive(run: run, token: token)
            try await harness.reaper.sweep()
        }
        harness.cluster.becomeUnreachable()
        for _ in 0..<Int(idle * 1.5 / .seconds(1)) {
            harness.advance(by: .seconds(1))
            try? await harness.reaper.sweep()
        }
        harness.cluster.becomeReachable()
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        _ = try await harness.previews.keepAlive(run: run, token: token)
    }

    /// The viewer pings through another replica.
    @Test func anAPIServerThatIsBusyForTooLongIsAnOutage() async throws {
        let harness = try await harness(idle: .seconds(120))
        let token = try await harness.startPreview().token
        try await pass(minutes: 3, harness, pinging: token)
        harness.advance(by: .seconds(55))
        // From here on it is silent for less than a sweep interval and the tolerated gap of 30 s.
        try await harness.reaper.sweep()
        for operation in SimulatedCluster.Operation.allCases where operation != .probe {
            harness.cluster.failAlways(operation, ClusterError(.busy, "the API server answered 429"))
        }
        for _ in 0..<7 {
            harness.advance(by: .seconds(10))
            try? await harness.reaper.sweep()
        }
        harness.cluster.becomeReachable()
        try await harness.reaper.sweep()
        harness.advance(by: .seconds(20))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        _ = try await harness.previews.keepAlive(run: run, token: token)
    }

    @Test func whereOnlyWritesFailTheLostPingsCount() async throws {
        let harness = try await harness()
        let token = try await harness.startPreview().token
        harness.cluster.failAlways(.extend, ClusterError(.refused, "the API server answered 403"))
        try await pass(minutes: 40, harness, pinging: token)
        #expect(harness.cluster.liveRoutes == [token])
        harness.cluster.becomeReachable()
        try await harness.reaper.sweep()
        _ = try await harness.previews.keepAlive(run: run, token: token)
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test func aPingThatFailsForItsOwnPreviewKeepsNoOtherAlive() async throws {
        for kind in [ClusterError.Kind.rejected, .unavailable] {
            let harness = try await harness()
            let token = try await harness.startPreview().token
            _ = try await harness.previews.start(run: run, port: 3001, requester: "ada")
            harness.cluster.failAlways(.extend, ClusterError(kind, "the API server does not take this object"))
            try await pass(minutes: 31, harness, pinging: token)
            #expect(harness.cluster.liveRoutes == [token])
        }
    }

    @Test func aDeletionThatFailsForItsOwnPreviewKeepsNoOtherAlive() async throws {
        let harness = try await harness()
        try await harness.startPreview()
        try await pass(minutes: 29, harness)
        harness.cluster.failAlways(.deleteRoute, ClusterError(.unavailable, "the API server answered 500"))
        for _ in 0..<20 {
            harness.advance(by: .seconds(61))
            try await harness.reaper.sweep()
            #expect(harness.outage.timeUntilIdlenessCounts == .zero)
        }
        #expect(harness.brake.reason?.contains("1 preview is overdue") == true)
    }

    @Test func aCallerThatDisconnectsIsNoLostPing() async throws {
        let harness = try await harness()
        let token = try await harness.startPreview().token
        try await pass(minutes: 29, harness)
        harness.cluster.fail(.extend, .before(ClusterError(.unavailable, "the request was cancelled")))
        // The request runs in the caller's own task.
        harness.cluster.interrupt(.extend) { withUnsafeCurrentTask { $0?.cancel() } }
        let ping = Task { try await harness.previews.keepAlive(run: run, token: token) }
        await #expect(throws: PreviewError.self) { _ = try await ping.value }
        #expect(harness.outage.idlenessCounts(for: token))
    }

    // MARK: The replicas are away

    @Test func whenAllReplicasWereDownTheNextOneWaitsForTheViewers() async throws {
        let cluster = SimulatedCluster()
        let token = try await harness(cluster).startPreview().token
        cluster.advance(by: .seconds(2400))
        // Its construction includes the first sweep.
        let next = try await harness(cluster)
        #expect(cluster.liveRoutes == [token])
        next.advance(by: .seconds(60))
        _ = try await next.previews.keepAlive(run: run, token: token)
        next.advance(by: .seconds(300))
        try await next.reaper.sweep()
        #expect(cluster.liveRoutes == [token])
    }

    @Test func aPreviewThatAKeepaliveWouldReviveCanBeChecked() async throws {
        let cluster = SimulatedCluster()
        let token = try await harness(cluster).startPreview().token
        cluster.advance(by: .seconds(2400))
        let next = try await harness(cluster)
        let checked = try await next.previews.check(run: run, token: token)
        #expect(checked.token == token && checked.readiness.isReady)
        cluster.advance(by: .seconds(28_800))
        await #expect(throws: PreviewError.previewNotFound) {
            _ = try await next.previews.check(run: run, token: token)
        }
    }

    @Test func aProcessThatWasSuspendedWaitsForTheViewersToo() async throws {
        let harness = try await harness()
        let token = try await harness.startPreview().token
        try await pass(minutes: 5, harness)
        harness.advance(by: .seconds(2400))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        _ = try await harness.previews.keepAlive(run: run, token: token)
    }

    // MARK: Other reasons, and what is not revived

    @Test func theCapAndTheEndOfThePodStillApplyDuringTheGrace() async throws {
        let cluster = SimulatedCluster()
        let (token, pod) = try await harness(cluster).startPreview()
        cluster.endPod(pod)
        _ = try await harness(cluster)
        #expect(!cluster.liveRoutes.contains(token))

        let capped = try await harness(cluster).startPreview().token
        cluster.advance(by: .seconds(28_800))
        _ = try await harness(cluster)
        #expect(!cluster.liveRoutes.contains(capped))
    }

    @Test func theCapEndsWhatIsIdleDuringTheGrace() async throws {
        let cluster = SimulatedCluster()
        let token = try await harness(cluster).startPreview().token
        cluster.advance(by: .seconds(28_700))
        let next = try await harness(cluster)
        #expect(cluster.liveRoutes == [token])
        next.advance(by: .seconds(100))
        try await next.reaper.sweep()
        #expect(cluster.liveRoutes.isEmpty)
    }

    @Test func previewsAtTheirCapOrBeingDeletedAreNotRevived() async throws {
        for ending in [Duration.seconds(28_800), .seconds(2400)] {
            let cluster = SimulatedCluster()
            let token = try await harness(cluster).startPreview().token
            if ending == .seconds(2400) { cluster.markRouteAsBeingDeleted(token) }
            cluster.advance(by: ending)
            let next = try await ControlHarness(
                cluster: cluster,
                policy: .testing(outageGrace: Self.grace),
                isReady: false
            )
            let error = await #expect(throws: PreviewError.self) {
                _ = try await next.previews.keepAlive(run: run, token: token)
            }
            #expect(error?.kind == .previewNotFound)
        }
    }

    @Test func onceTheGraceIsOverNothingIsRevived() async throws {
        let harness = try await harness()
        let token = try await harness.startPreview().token
        try await pass(minutes: 5, harness)
        harness.cluster.failAlways(.deleteRoute, ClusterError(.refused, "the API server answered 403"))
        try await pass(minutes: 26, harness)
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: run, token: token)
        }
        #expect(error?.kind == .previewNotFound)
    }

    // MARK: The end of the grace

    @Test func theEndOfTheGraceItselfWakesTheReaper() async throws {
        let harness = try await harness(idle: .seconds(60), sweepInterval: .seconds(3600))
        let begin = harness.cluster.now
        let token = try await harness.startPreview().token
        try await harness.withSleepingReaper {
            harness.advance(by: .seconds(59))
            await waitUntil { harness.mirror.nextDeadline == begin + .seconds(60) }
            await harness.clock.waitForSleepers(2)
            harness.advance(by: .seconds(1))
            // The cluster's time has advanced by its uncertainty once more than the replica's clock.
            let endOfGrace = begin + Self.grace + SimulatedCluster.uncertainty
            await waitUntil { harness.mirror.nextDeadline == endOfGrace }
            await harness.clock.waitForSleepers(2)
            harness.advance(by: .seconds(89))
            #expect(harness.cluster.liveRoutes == [token])
            await harness.clock.waitForSleepers(2)
            harness.advance(by: .seconds(1))
            await waitUntil { harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty }
        }
    }
}
