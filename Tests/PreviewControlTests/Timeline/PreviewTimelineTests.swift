import Basics
import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Events of previews in the timeline", .timeLimit(.minutes(10)))
struct PreviewTimelineTests {
    private let run = ControlHarness.run

    @Test func aStartIsRecordedWithItsPortAndExpiry() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        let event = try #require(harness.timeline.events.first)
        #expect(harness.timeline.events.count == 1)
        #expect(event.id == "preview.started/\(token.fingerprint)")
        #expect(event.run == run)
        #expect(event.claim == ClaimIdentity(name: run.claimName, uid: "claim-of-pod-1"))
        let now = harness.cluster.now
        #expect(
            event.details == [
                "fingerprint": token.fingerprint, "port": "3000", "expiresAt": RFC3339.string(now + .seconds(1800)),
                "maxUntil": RFC3339.string(now + .seconds(28_800)),
            ]
        )
    }

    @Test func aFailedStartIsNotRecorded() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.cluster.fail(.createRoute, .after(ClusterError(.unavailable, "the answer was lost")))
        await #expect(throws: PreviewError.self) {
            try await harness.previews.start(run: run, port: 3000, requester: "ada")
        }
        #expect(harness.timeline.events.isEmpty)
    }

    @Test func aStopIsRecordedOnce() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        try await harness.previews.stop(run: run, token: token)
        await #expect(throws: PreviewError.self) { try await harness.previews.stop(run: run, token: token) }
        #expect(harness.timeline.events.map(\.kind) == [.started, .stopped])
    }

    @Test func aFailedStopIsNotRecorded() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.fail(.deleteRoute, .before(ClusterError(.unavailable, "the API server answered 500")))
        await #expect(throws: PreviewError.self) { try await harness.previews.stop(run: run, token: token) }
        #expect(harness.timeline.events.map(\.kind) == [.started])
    }

    @Test func theReaperRecordsTheReason() async throws {
        let harness = try await ControlHarness()
        let pod = try await harness.startPreview().pod
        harness.cluster.endPod(pod)
        try await harness.reaper.sweep()
        let idle = try await harness.startPreview(port: 3001).token
        harness.cluster.advance(by: .seconds(1800))
        try await harness.reaper.sweep()
        let reaped = harness.timeline.events.filter { $0.kind == .reaped }
        #expect(reaped.map { $0.details["reason"] } == ["pod-gone", "idle"])
        #expect(reaped.last?.id == "preview.reaped/\(idle.fingerprint)")
    }

    @Test func endsOfPreviewsOfTheEarlierServiceAreNotRecorded() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.annotate(
            token,
            [PreviewAnnotations.Key.runID: nil, PreviewAnnotations.Key.claimUID: nil]
        )
        try await harness.previews.stop(run: run, token: token)
        #expect(harness.timeline.events.map(\.kind) == [.started])
    }

    /// One replica's path from an observed change to a written event.
    private struct TimelineReplica: Sendable {
        let eventRecorder: PreviewEventRecorder
        let queue: TimelineQueue
        let mirror = ClusterMirror(policy: .testing())
        let cluster: SimulatedCluster

        init(_ cluster: SimulatedCluster, log: SimulatedTimelineLog, clock: ManualClock) {
            let time = MonotonicTime(clock)
            queue = TimelineQueue(
                name: "test",
                sink: log,
                clusterTime: cluster,
                time: time,
                logger: .silent
            )
            eventRecorder = PreviewEventRecorder(
                policy: .testing(),
                mirror: mirror,
                clusterTime: cluster,
                timeline: queue,
                time: time
            )
            self.cluster = cluster
        }

        func run() async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await queue.run() }
                group.addTask { try await eventRecorder.run() }
                group.addTask { try await cluster.run { mirror.apply($0, at: cluster.reading()) } }
                try await group.waitForAll()
            }
        }
    }

    @Test func anEndThatAllReplicasSeeIsWrittenOnceUnlessItIsAStop() async throws {
        let harness = try await ControlHarness()
        let log = SimulatedTimelineLog()
        let replicas = (0..<3).map { _ in TimelineReplica(harness.cluster, log: log, clock: harness.clock) }
        let stopped = try await harness.startPreview().token
        let deleted = try await harness.startPreview(port: 3001).token
        try await withThrowingTaskGroup(of: Void.self) { group in
            for replica in replicas { group.addTask { try await replica.run() } }
            await waitUntil { replicas.allSatisfy { $0.mirror.routes()?.count == 2 } }
            harness.cluster.advance(by: .seconds(60))
            try await harness.previews.stop(run: run, token: stopped)
            let stop = try #require(harness.timeline.events.last)
            replicas[0].queue.record(stop)
            await waitUntil { log.entries.count == 1 }
            if let uid = try await harness.cluster.route(deleted)?.uid {
                _ = try await harness.cluster.deleteRoute(deleted, .uid(uid))
            }
            await waitUntil { replicas.allSatisfy { $0.mirror.routes()?.isEmpty == true } }
            harness.cluster.advance(by: PreviewEventMachine.reportDelay)
            // Each replica reports both ends, in addition to the stop itself.
            await waitUntil {
                harness.clock.advance(by: .milliseconds(10))
                return log.attempts == 7
            }
            #expect(
                log.entries.map(\.event.id).sorted()
                    == ["preview.stopped/\(deleted.fingerprint)", "preview.stopped/\(stopped.fingerprint)"].sorted()
            )
            #expect(log.entries.first?.event.details["reason"] == nil)
            group.cancelAll()
        }
    }

    @Test func theEndOfAPreviewWithoutKeepalivesIsAnnounced() async throws {
        let harness = try await ControlHarness()
        let log = SimulatedTimelineLog()
        let replica = TimelineReplica(harness.cluster, log: log, clock: harness.clock)
        let token = try await harness.startPreview().token
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await replica.run() }
            await waitUntil { replica.mirror.routes()?.count == 1 }
            // The recorder reads the clock again after one sweep interval at the latest.
            harness.cluster.advance(by: .seconds(1500))
            await waitUntil {
                harness.clock.advance(by: .seconds(1))
                return log.entries.count == 1
            }
            let deadline = RFC3339.string(harness.cluster.now + .seconds(300) - SimulatedCluster.uncertainty)
            #expect(log.entries.first?.event.id == "preview.expiring/\(token.fingerprint)/\(deadline)")
            group.cancelAll()
        }
    }
}
