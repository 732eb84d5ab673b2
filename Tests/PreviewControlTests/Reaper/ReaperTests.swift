import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The reaper", .timeLimit(.minutes(10)))
struct ReaperTests {
    let run = ControlHarness.run

    // MARK: Sweep

    @Test func aSweepWithoutWatchesIsThreeRequestsHoweverManyPreviewsThereAre() async throws {
        var policy = PreviewPolicy.testing()
        policy.limits = PreviewLimits(perRun: 100, global: 100)
        let harness = try await ControlHarness(policy: policy)
        harness.cluster.addSandbox(for: run)
        for port in 3000..<3050 { _ = try await harness.previews.start(run: run, port: port, requester: "ada") }
        harness.cluster.clearLog()
        try await harness.reaper.sweep()
        #expect(harness.cluster.log == [.livePods, .backends, .routes])
    }

    @Test func anIdlePreviewIsReapedAtItsDeadlineAndNotBefore() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .milliseconds(1_799_999))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        harness.cluster.advance(by: .milliseconds(1))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.isEmpty)
        #expect(harness.cluster.liveBackends.isEmpty)
    }

    @Test func aPreviewWhosePodIsGoneIsReapedAfterALiveRead() async throws {
        let harness = try await ControlHarness()
        let pod = try await harness.startPreview().pod
        harness.cluster.endPod(pod)
        try await harness.reaper.sweep()
        #expect(harness.cluster.log.contains(.isLive))
        #expect(harness.cluster.liveRoutes.isEmpty)
        #expect(harness.cluster.liveBackends.isEmpty)
    }

    @Test(
        "An unreadable cluster never causes a deletion",
        arguments: [SimulatedCluster.Operation.livePods, .backends, .routes]
    )
    func anUnreadableClusterCausesNoDeletion(operation: SimulatedCluster.Operation) async throws {
        let harness = try await ControlHarness()
        let (token, pod) = try await harness.startPreview()
        harness.cluster.endPod(pod)
        harness.cluster.advance(by: .seconds(100_000))
        harness.cluster.failAlways(operation, ClusterError(.unavailable, "the API server answered 500"))
        await #expect(throws: ClusterError.self) { try await harness.reaper.sweep() }
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test func aPodThatCannotBeReadIsNotGone() async throws {
        let harness = try await ControlHarness()
        let (token, pod) = try await harness.startPreview()
        harness.cluster.endPod(pod)
        harness.cluster.failAlways(.isLive, ClusterError(.unavailable, "the API server answered 500"))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test func withoutKnownTimeNothingIsReapedForItsAge() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .seconds(100_000))
        harness.cluster.makeTimeUnknown()
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
    }

    @Test func keepaliveBetweenReadAndDeleteSavesThePreview() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .milliseconds(1_800_000))
        let expiry = harness.cluster.now + .seconds(1800)
        let label = run.label
        harness.cluster.interrupt(.deleteRoute) {
            _ = try? await harness.cluster.extend(token, of: label, to: expiry)
        }
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        #expect(harness.cluster.liveBackends == [token])
    }

    @Test func aStatusWriteBetweenReadAndDeleteDoesNotSaveIt() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .milliseconds(1_800_000))
        harness.cluster.interrupt(.deleteRoute) { harness.cluster.touchRoute(token) }
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func aMalformedExpiryDoesNotMakeAPreviewPermanent() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.annotate(
            token,
            [
                PreviewAnnotations.Key.expiresAt: "9999-12-31T23:59:59Z",
                PreviewAnnotations.Key.maxUntil: "never",
            ]
        )
        harness.cluster.advance(by: .seconds(28_801))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func incompletePairsAreDeletedAfterTheirGraceAndNotBefore() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        let orphan = try #require(PreviewToken("lonely"))
        harness.cluster.removeBackend(token)
        harness.cluster.addBackend(orphan, run: run.label)
        harness.cluster.advance(by: .seconds(119))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes == [token])
        #expect(harness.cluster.liveBackends == [orphan])
        harness.cluster.advance(by: .seconds(2))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.isEmpty)
        #expect(harness.cluster.liveBackends.isEmpty)
    }

    @Test func aServiceWhoseRouteCannotBeReadIsNoOrphan() async throws {
        let harness = try await ControlHarness()
        let orphan = try #require(PreviewToken("lonely"))
        harness.cluster.addBackend(orphan, run: run.label, age: .seconds(1000))
        harness.cluster.failAlways(.route, ClusterError(.unavailable, "the API server answered 500"))
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveBackends == [orphan])
    }

    @Test func whatIsNotOursIsNeverTouched() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addRoute(
            name: "preview-somebody-elses",
            labels: [PreviewLabel.partOf: "another"],
            annotations: [:],
            age: .seconds(1_000_000)
        )
        try await harness.reaper.sweep()
        #expect(harness.cluster.liveRoutes.count == 1)
    }

    @Test func aDisabledReaperDeletesNothing() async throws {
        var policy = PreviewPolicy.testing()
        let working = try await ControlHarness()
        let token = try await working.startPreview().token
        policy.isEnabled = false
        let resting = try await ControlHarness(cluster: working.cluster, policy: policy)
        working.cluster.advance(by: .seconds(100_000))
        try await resting.reaper.sweep()
        #expect(working.cluster.liveRoutes == [token])
    }

    // MARK: Watch

    @Test func theDeadlineItselfWakesTheReaper() async throws {
        var policy = PreviewPolicy.testing()
        // The next sweep is long after the deadline.
        policy.sweepInterval = .seconds(3600)
        let harness = try await ControlHarness(policy: policy)
        try await harness.startPreview()
        try await harness.withReaper {
            await waitUntil { harness.mirror.isFresh }
            // The loop reads the time once more, one second before the deadline.
            let lastLook = Duration.seconds(1799) + SimulatedCluster.uncertainty
            await waitUntil { harness.clock.nextWake == lastLook }
            harness.cluster.advance(by: lastLook + .seconds(2))
            harness.clock.advance(by: lastLook)
            await waitUntil { harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty }
        }
    }

    @Test func aPostponedDeadlineIsKeptExactly() async throws {
        var policy = PreviewPolicy.testing()
        policy.sweepInterval = .seconds(3600)
        let harness = try await ControlHarness(policy: policy)
        let token = try await harness.startPreview().token
        let label = run.label
        try await harness.withReaper {
            await waitUntil { harness.mirror.isFresh }
            // The loop reads the time once more, one second before the deadline.
            let lastLook = Duration.seconds(1799) + SimulatedCluster.uncertainty
            await waitUntil { harness.clock.nextWake == lastLook }
            harness.cluster.advance(by: .seconds(1790))
            let expiry = harness.cluster.now + .seconds(20)
            _ = try await harness.cluster.extend(token, of: label, to: expiry)
            await waitUntil { harness.mirror.lastSeenRoute(token)?.expiresAt == expiry }
            harness.cluster.advance(by: .seconds(10))
            harness.clock.advance(by: lastLook)
            await waitUntil { harness.mirror.nextDeadline == expiry }
            await harness.clock.waitForSleepers(2)
            harness.cluster.advance(by: .seconds(11))
            harness.clock.advance(by: .seconds(10))
            await waitUntil { harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty }
        }
    }

    @Test func aDeletedPodEndsItsPreviewsAtOnce() async throws {
        let harness = try await ControlHarness()
        let pod = try await harness.startPreview().pod
        try await harness.withSleepingReaper {
            harness.cluster.endPod(pod)
            await waitUntil { harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty }
        }
    }

    @Test("Three replicas reap a preview without an error", arguments: UInt64(1)...10)
    func threeReplicasReapTogether(seed: UInt64) async throws {
        let cluster = SimulatedCluster()
        let replicas = [
            try await ControlHarness(cluster: cluster, seed: seed),
            try await ControlHarness(cluster: cluster, seed: seed + 100),
            try await ControlHarness(cluster: cluster, seed: seed + 200),
        ]
        cluster.addSandbox(for: run)
        _ = try await replicas[0].previews.start(run: run, port: 3000, requester: "ada")
        cluster.advance(by: .seconds(1801))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for replica in replicas { group.addTask { try await replica.reaper.sweep() } }
            try await group.waitForAll()
        }
        #expect(cluster.liveRoutes.isEmpty)
        #expect(cluster.liveBackends.isEmpty)
        #expect(replicas.allSatisfy { $0.brake.reason == nil })
    }

    @Test func aSweepListsNothingWhileTheWatchesWork() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        try await harness.withSleepingReaper {
            harness.cluster.clearLog()
            try await harness.reaper.sweep()
            #expect(harness.cluster.log == [.checkWatch])
            #expect(harness.cluster.liveRoutes == [token])
        }
    }

    @Test func whatASilentWatchMissedIsReapedByTheNextSweep() async throws {
        let harness = try await ControlHarness()
        let pod = try await harness.startPreview().pod
        try await harness.withSleepingReaper {
            harness.cluster.silenceWatch()
            harness.cluster.endPod(pod)
            try await harness.reaper.sweep()
            await waitUntil { harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty }
        }
    }

    @Test func watchesThatFailTheLivenessCheckAreNotReliedOn() async throws {
        let harness = try await ControlHarness()
        let pod = try await harness.startPreview().pod
        try await harness.withSleepingReaper {
            harness.cluster.failAlways(.checkWatch, ClusterError(.unavailable, "the watch is dead"))
            harness.cluster.silenceWatch()
            harness.cluster.endPod(pod)
            harness.cluster.clearLog()
            try await harness.reaper.sweep()
            #expect(harness.cluster.log.starts(with: [.checkWatch, .livePods, .backends, .routes]))
            #expect(harness.cluster.liveRoutes.isEmpty)
        }
    }

    @Test func aWatchThatStaysSilentWhenReopenedIsDetectedByAList() async throws {
        let harness = try await ControlHarness()
        let pod = try await harness.startPreview().pod
        try await harness.withReaper {
            await waitUntil { harness.mirror.isFresh }
            harness.cluster.silenceWatchPermanently()
            harness.cluster.endPod(pod)
            for _ in 0..<Reaper.sweepsPerListing {
                await harness.clock.waitForSleepers(2)
                harness.clock.advance(by: .seconds(60))
            }
            await waitUntil { harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty }
        }
    }

    @Test func aHangingDeletionDelaysNoOther() async throws {
        let harness = try await ControlHarness()
        let pod = harness.cluster.addSandbox(for: run)
        for port in [3000, 3001] { _ = try await harness.previews.start(run: run, port: port, requester: "ada") }
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        harness.cluster.interrupt(.deleteRoute) { for await _ in gate { return } }
        try await harness.withSleepingReaper {
            harness.cluster.endPod(pod)
            await waitUntil { harness.cluster.liveRoutes.count == 1 }
            open.yield()
            await waitUntil { harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty }
        }
    }

    @Test func aPreviewThatAnotherReplicaHasDeletedCostsNothing() async throws {
        let cluster = SimulatedCluster()
        let first = try await ControlHarness(cluster: cluster)
        let second = try await ControlHarness(cluster: cluster, spread: 0.5)
        try await first.startPreview()
        try await first.withReaper {
            try await second.withReaper {
                await waitUntil { first.mirror.isFresh && second.mirror.isFresh }
                await first.clock.waitForSleepers(2)
                await second.clock.waitForSleepers(2)
                // The second replica records that another one deleted first.
                let preview = try #require(second.mirror.routes()?.first)
                second.mirror.record(.alreadyGone, of: try #require(DueDeletion(.route(preview), .reap(.idle))))
                cluster.clearLog()
                cluster.advance(by: .seconds(1800))
                first.clock.advance(by: .seconds(59))
                await waitUntil { cluster.liveBackends.isEmpty }
                cluster.advance(by: ReapPrecedence.longestDelay)
                second.clock.advance(by: .seconds(59))
                await waitUntil { second.mirror.routes()?.isEmpty == true }
            }
        }
        #expect(cluster.log.count { $0 == .deleteRoute } == 1)
        #expect(cluster.log.count { $0 == .deleteBackend } == 1)
    }

    @Test func reapingCostsTwoDeletionsAndNoRead() async throws {
        let harness = try await ControlHarness()
        try await harness.startPreview()
        try await harness.withSleepingReaper {
            harness.cluster.clearLog()
            harness.cluster.advance(by: .seconds(1800))
            harness.clock.advance(by: .seconds(59))
            await waitUntil { harness.cluster.liveBackends.isEmpty }
        }
        #expect(harness.cluster.log == [.deleteRoute, .deleteBackend])
    }
}
